import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countOf, type JestReport, summaryOf } from '../../../tools/test-report';

const JEST = join(__dirname, '..', '..', '..', 'node_modules', 'jest', 'bin', 'jest.js');
const SUITE = `
jest.retryTimes(1, { retryImmediately: true });
let tries = 0;
describe('a job', () => {
  test('starts', () => undefined);
  test('stops', () => expect(++tries).toBe(2));
  test('never ends', () => expect(1).toBe(2));
});
`;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-report-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a test that passed only at its second try is named, and counts as passed', () => {
  writeFileSync(join(folder, 'a.test.js'), SUITE);
  const outputFile = join(folder, 'report.json');
  const config = JSON.stringify({ rootDir: folder, transform: {} });
  const { status } = spawnSync(process.execPath, [JEST, '--json', `--outputFile=${outputFile}`, '--config', config], { stdio: 'ignore' });
  const count = countOf(JSON.parse(readFileSync(outputFile, 'utf8')) as JestReport, status === 0);
  expect(count).toEqual({ passed: 2, failed: 1, atSecondTry: ['a job stops'] });
  expect(summaryOf([count, { passed: 3, failed: 0, atSecondTry: ['a node boots'] }])).toEqual([
    '2 only at the second try: a job stops; a node boots',
    '5 passed, 1 failed',
  ]);
}, 60_000);

test('where every test passed at once there is one line, and a suite that ended badly has failed', () => {
  const report = { numPassedTests: 4, numFailedTests: 0, numRuntimeErrorTestSuites: 0, testResults: [] };
  expect(summaryOf([countOf(report, true)])).toEqual(['4 passed, 0 failed']);
  expect(summaryOf([countOf(report, false)])).toEqual(['4 passed, 1 failed']);
});
