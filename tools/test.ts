/**
 * `npm test [-- SUITE… JEST-OPTION…]`: runs the suites in order, the quick ones first, and ends with one line summed over all of them:
 * `N passed, N failed`. A test file that cannot be loaded counts as one failure. Tests that passed only when they were tried once more are named before it. `all` stands for every suite, also the long ones.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '../local/install/install';
import { countOf, type JestReport, type SuiteCount, summaryOf } from './test-report';

const SUITES = ['unit', 'infra', 'state-machines', 'contract', 'e2e'] as const;
/** Minutes a file: every call of a workflow or an adapter fails once, processes are lost again and again, clusters and jobs live from launch to termination. */
const LONG = ['crashes', 'recovery', 'scenarios'] as const;
const ALL: readonly string[] = [...SUITES, ...LONG];
/** They start real Flink, Kafka and emulators: one file at a time on two cores. */
const SERIAL: ReadonlySet<string> = new Set(['contract', 'e2e', ...LONG]);
/** They need the twin's Python environment, Flink and Kafka. */
const ON_THE_TWIN: ReadonlySet<string> = new Set(['state-machines', 'contract', 'e2e', ...LONG]);
const root = join(__dirname, '..');

const runSuite = (suite: string, options: readonly string[], folder: string): SuiteCount => {
  const outputFile = join(folder, `${suite}.json`);
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [
    '--selectProjects',
    suite,
    '--passWithNoTests',
    '--json',
    `--outputFile=${outputFile}`,
    ...(SERIAL.has(suite) ? ['--runInBand'] : []),
    ...options,
  ];
  // Jest's JSON goes to the file and to stdout; people read stderr.
  const result = spawnSync(process.execPath, [jest, ...args], { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] });
  if (!existsSync(outputFile)) return { passed: 0, failed: 1, atSecondTry: [] };
  return countOf(JSON.parse(readFileSync(outputFile, 'utf8')) as JestReport, result.status === 0);
};

const main = async (): Promise<void> => {
  const args = process.argv.slice(2);
  const named = args.filter((arg) => arg === 'all' || ALL.includes(arg));
  const options = args.filter((arg) => !named.includes(arg));
  const suites = named.includes('all') ? ALL : named.length > 0 ? named : SUITES;
  if (suites.some((suite) => ON_THE_TWIN.has(suite))) await install({ log: (line) => console.error(line) });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  try {
    const counts: SuiteCount[] = [];
    for (const suite of suites) {
      const count = runSuite(suite, options, folder);
      counts.push(count);
      console.log(`${suite}: ${count.passed} passed, ${count.failed} failed`);
    }
    for (const line of summaryOf(counts)) console.log(line);
    process.exitCode = counts.some(({ failed }) => failed > 0) ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
