import { parseArgs } from 'node:util';
import { onEnd } from '../local/twin/lifetime';
import { readSettings } from '../local/twin/settings';
import type { Report } from './report';
import { aimsOf, type Findings, runsOf } from './road/findings';
import { benchRoad } from './road/run';
import { tablesOf } from './road/tables';

const USAGE = `npm run bench -- road [OPTIONS]     measures the main road on the local twin and ends it again

  --json         one line of JSON at the end of stdout
  --repeat N     submissions through the API and by hand, each (5)
  --calls N      calls of each class of routes (100)
  --inits N      starts of each function (5)`;

/** Longer than it ever takes on two cores; a run that hangs ends by itself. */
const LIMIT_SECONDS = 470;

const wholeNumber = (name: string, text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, not ${text}`);
  return Number(text);
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '5' },
      calls: { type: 'string', default: '100' },
      inits: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals[0] !== 'road') {
    console.error(USAGE);
    return values.help ? 0 : 2;
  }
  const ending = new AbortController();
  onEnd((why) => ending.abort(new Error(`ended by ${why}`)));
  setTimeout(() => ending.abort(new Error(`not done after ${LIMIT_SECONDS} s`)), LIMIT_SECONDS * 1_000).unref();
  const findings: Findings = {};
  let problem: string | undefined;
  try {
    await benchRoad({
      settings: readSettings(),
      repeat: wholeNumber('repeat', values.repeat),
      calls: wholeNumber('calls', values.calls),
      inits: wholeNumber('inits', values.inits),
      signal: ending.signal,
      progress: (line) => process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}\n`),
      findings,
    });
  } catch (error) {
    problem = (error as Error).message;
    process.stderr.write(`✗ ${problem}\n`);
  }
  process.stdout.write(tablesOf(findings));
  const report: Report = {
    bench: 'road',
    aims: aimsOf(findings),
    runs: runsOf(findings),
    ...(problem === undefined ? {} : { error: problem.slice(0, 2_000) }),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return problem === undefined ? 0 : 1;
};

main().then(
  // What the demo left open (Kafka clients) must not keep the process; what was written goes out first.
  (code) => process.stdout.write('', () => process.exit(code)),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
