import { belongingsIn } from '../../../local/client/belongings';
import { twin } from './twin';

export { countOf } from '../../../local/client/belongings';

/** @param cluster counts only what belongs to this one */
export const belongings = (cluster?: string): Promise<Record<string, readonly string[]>> => belongingsIn(twin, cluster);
