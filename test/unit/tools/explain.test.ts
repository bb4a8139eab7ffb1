import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decideScaling } from '../../../lambdas/domain/scaling/decide-scaling';
import { explain } from '../../../tools/explain/explain';
import { NOW, observed, settings, vertex } from '../domain/scaling/examples';

const kept = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const late = vertex('source', { parallelism: 2, busy: 1, pendingRecords: 100_000, pendingRecordsGrowth: 200 });
const decision = decideScaling(observed([late]), settings(), NOW);

test('a decision is said with what changes, the slots, and every line of why', () => {
  const { lines, same } = explain(kept(decision));
  expect(same).toBe(true);
  expect(lines[0]).toBe(decision.reason);
  expect(lines).toContainEqual('Decision: rescale out');
  expect(lines.join('\n')).toContain('[spike-on-evidence]');
  for (const { text } of decision.explanation) expect(lines.join('\n')).toContain(text);
  expect(lines.at(-1)).toBe('Decided again from the stored inputs: the same.');
});

test('a decision that would come out otherwise now is said to be so', () => {
  const other = { ...decision, reason: 'Scale out because of the moon.' };
  const { lines, same } = explain(kept(other));
  expect(same).toBe(false);
  expect(lines.at(-1)).toContain('NOT the same (reason)');
});

test('inputs alone are decided on', () => {
  const { lines, same } = explain(kept(decision.inputs));
  expect([lines[0], same]).toEqual([decision.reason, true]);
});

test('something else is refused', () => {
  expect(() => explain({ observed: 1 })).toThrow();
});

describe('the command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-explain-'));
  const run = (...args: string[]) => {
    const cli = join(__dirname, '../../../tools/explain/cli.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', cli, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('ends with 0 for a decision that comes out the same, compressed or not, and with 1 for another', () => {
    const [same, other] = [join(directory, 'same.json.gz'), join(directory, 'other.json')];
    writeFileSync(same, gzipSync(JSON.stringify(decision)));
    writeFileSync(other, JSON.stringify({ ...decision, action: { kind: 'none' } }));
    expect(run('--input', same)).toMatchObject({ status: 0, stdout: expect.stringContaining(decision.reason) });
    expect(run('--input', other)).toMatchObject({ status: 1, stdout: expect.stringContaining('NOT the same (action)') });
  });

  test('says what is wrong with its arguments', () => {
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringContaining('--operation ID') });
    expect(run('--input', join(directory, 'nothing'))).toMatchObject({ status: 1, stderr: expect.stringContaining('there is no file') });
  });
});
