import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../../../local/twin/component';
import type { TwinSettings } from '../../../local/twin/settings';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-component-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ending = (script: string, seconds: number): Promise<void> => {
  const settings = { root: directory, stateDir: directory, logDir: directory } as TwinSettings;
  return runToEnd(settings, { name: 'a-command', command: ['sh', '-c', script], seconds });
};

test('a command that ends well has done its work', async () => {
  await expect(ending('exit 0', 20)).resolves.toBeUndefined();
});

test('a command that ends otherwise fails with its status and the end of its log', async () => {
  await expect(ending('echo half of it; exit 3', 20)).rejects.toThrow(/status 3[\s\S]*half of it/);
});

test('a command that takes too long has failed, also when it ends well on being told to', async () => {
  await expect(ending("trap 'exit 0' TERM; while :; do sleep 0.1; done", 1)).rejects.toThrow('was not done within 1 s');
});
