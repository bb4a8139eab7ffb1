import { readSettings } from '../../local/twin/settings';
import { type Bench, optionsOf, problemOf, wholeNumber } from '../bench';
import { aimsOf, type Findings, runsOf } from './findings';
import { benchRoad } from './run';
import { tablesOf } from './tables';

export const road: Bench = {
  usage: `road [OPTIONS]     measures the main road on the local twin and ends it again
  --repeat N       submissions through the API and by hand, each (5)
  --calls N        calls of each class of routes (100)
  --inits N        starts of each function (5)`,
  limitSeconds: 470,
  run: async ({ args, signal, progress }) => {
    const options = optionsOf(args, { repeat: '5', calls: '100', inits: '5' });
    const [repeat, calls, inits] = (['repeat', 'calls', 'inits'] as const).map((name) => wholeNumber(name, options[name]));
    const findings: Findings = {};
    const error = await problemOf(() =>
      benchRoad({ settings: readSettings(), repeat: repeat ?? 5, calls: calls ?? 100, inits: inits ?? 5, signal, progress, findings }),
    );
    return {
      tables: tablesOf(findings),
      report: { bench: 'road', aims: aimsOf(findings), runs: runsOf(findings), ...(error === undefined ? {} : { error }) },
    };
  },
};
