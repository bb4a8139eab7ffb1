/** `npm run build`: bundles the functions as `cdk synth` does. */
import { FUNCTIONS } from '../lib/config/functions';
import { bundleFunctions } from './bundle';

void bundleFunctions(Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry })));
