import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Emulator, startEmulator } from './support/emulator';

const LOCAL = resolve(__dirname, '../../local');
const PYTHON = resolve(LOCAL, '.cache/venv/bin/python');
const MODULES = readdirSync(resolve(LOCAL, 'emulator/tests')).flatMap((file) => /^test_(\w+)\.py$/.exec(file)?.[1] ?? []);

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
}, 60_000);
afterAll(() => emulator.stop());

/** The emulator's own tests are in Python, beside it; each module of them is one test here. */
describe('the emulator behaves as AWS does in', () => {
  test.each(MODULES)(
    '%s',
    async (module) => {
      const run = promisify(execFile)(PYTHON, ['-m', 'unittest', `emulator.tests.test_${module}`], {
        cwd: LOCAL,
        env: { ...process.env, SLUICE_TEST_EMULATOR: emulator.endpoint },
      });
      await expect(
        run.then(
          () => 'passed',
          (failure: { stderr?: string }) => failure.stderr,
        ),
      ).resolves.toBe('passed');
    },
    180_000,
  );
});
