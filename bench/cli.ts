import { parseArgs } from 'node:util';
import { road } from './road/road';

const USAGE = `npm run bench -- NAME [--json] [--write] [--runs N] [--quick]
  road     from npm start to the first result row; overhead of the control plane; functions; prices
  --json   progress on stderr, the results as JSON lines on stdout; the last line has the aims
  --write  puts the results into docs/benchmarks.md
  --runs   how often what is repeated is repeated (5)
  --quick  without the run of npm start`;

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' } },
  });
  const runs = Number(values.runs);
  if (positionals[0] !== 'road' || !Number.isInteger(runs) || runs < 1) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  await road({ json: values.json, write: values.write, quick: values.quick, runs });
  return 0;
};

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
