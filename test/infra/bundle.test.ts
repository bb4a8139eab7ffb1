import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FUNCTIONS } from '../../lib/config/functions';
import { bundleFunctions } from '../../tools/bundle';

const out = mkdtempSync(join(tmpdir(), 'sluice-bundles-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

describe('a function’s bundle', () => {
  it('keeps the names of errors, by which state machines retry and catch', async () => {
    const folderOf = await bundleFunctions([{ name: 'errors', entry: 'lambdas/contracts/errors.ts' }], join(out, 'errors'));
    const { FlinkUnavailable, Superseded } = require(join(folderOf('errors'), 'index.js')) as Record<
      string,
      new (
        message: string,
      ) => Error
    >;
    expect([FlinkUnavailable, Superseded].map((error) => error && new error('').name)).toEqual(['FlinkUnavailable', 'Superseded']);
  });

  it('is under 700 KB, for a short cold start', async () => {
    await bundleFunctions(
      Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry })),
      join(out, 'all'),
    );
    const { outputs } = JSON.parse(readFileSync(join(out, 'all', 'meta.json'), 'utf8')) as { outputs: Record<string, { bytes: number }> };
    const large = Object.entries(outputs).filter(([, { bytes }]) => bytes > 700_000);
    expect(large.map(([file, { bytes }]) => `${file}: ${bytes}`)).toEqual([]);
  }, 120_000);

  it('is not made without its entry file, which the error names', async () => {
    await expect(bundleFunctions([{ name: 'ghost', entry: 'lambdas/handlers/api/ghost.handler.ts' }], out)).rejects.toThrow(
      'lambdas/handlers/api/ghost.handler.ts',
    );
  });
});
