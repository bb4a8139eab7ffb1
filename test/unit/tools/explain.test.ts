import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decideScaling } from '../../../lambdas/domain/scaling/decide-scaling';
import { explain, explainJob, explainOperation } from '../../../tools/explain/explain';
import { enter, run } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';
import { NOW, observed, settings, vertex } from '../domain/scaling/examples';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

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

test('a decision is said with how busy, backpressured and idle each vertex was, in the mean and of its worst subtask', () => {
  const uneven = {
    ...late,
    busy: { mean: 0.5, worst: 0.75 },
    backpressured: { mean: 0.1, worst: 0.2 },
    idle: { mean: 0.4, worst: null },
  };
  const unknown = { ...vertex('sink'), incomplete: true };
  const ended = { ...unknown, id: 'few', name: 'few', finished: true as const };
  const { lines } = explain(kept(decideScaling(observed([uneven, unknown, ended]), settings(), NOW)));
  const at = lines.indexOf('Vertices, as shares of time, mean / worst subtask:');
  expect(lines.slice(at + 1, at + 4)).toEqual([
    '  source with 2: busy 50 % / 75 %, backpressured 10 % / 20 %, idle 40 % / not known',
    '  sink with 4: busy 70 % / 70 %, backpressured 0 % / 0 %, idle 0 % / 0 % (its figures are incomplete)',
    '  few with 4: busy 70 % / 70 %, backpressured 0 % / 0 %, idle 0 % / 0 % (it has finished)',
  ]);
});

test('a decision is said with what the fleet costs, and what of that its volumes do', () => {
  const fleetOf = (fields: object): string | undefined =>
    explain(kept(decideScaling(observed([late], { fleet: { slotsFree: 1, dollarsPerHour: 9, ...fields } }), settings(), NOW))).lines.find(
      (line) => line.startsWith('Fleet:'),
    );
  expect(fleetOf({})).toBe('Fleet: 1 slots free, any number can be added, $9.00 an hour now');
  expect(fleetOf({ volumeDollarsPerHour: 0.0123 })).toMatch(/\$9\.00 an hour now, \$0\.012 of it for volumes$/);
});

test('a vertex that is named so as to write over a terminal is shown, and writes nothing', () => {
  const named = {
    ...vertex('source', { parallelism: 2, busy: 1, pendingRecords: 100_000, pendingRecordsGrowth: 200 }),
    name: 'a\u001b[2J\u009b1m\u202eb',
  };
  const text = explain(kept(decideScaling(observed([named]), settings(), NOW))).lines.join('');
  expect(text).toContain('a\ufffd[2J\ufffd1m\ufffdb');
  expect(text).toMatch(/^[^\p{Cc}\u202e]*$/u);
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

test('inputs of which one was changed are decided on as they are now, and a decision kept with them is said to come out otherwise', () => {
  const { inputs } = decision;
  const calm = {
    ...inputs,
    observed: observed([vertex('source', { parallelism: 2, busy: 0.7, pendingRecords: 0, pendingRecordsGrowth: 0 })]),
  };
  const alone = explain(kept(calm));
  expect([alone.lines[3], alone.same]).toEqual(['Decision: none', true]);
  const { lines, same } = explain(kept({ ...decision, inputs: calm }));
  expect([lines[0], same]).toEqual([decision.reason, false]);
  expect(lines.at(-1)).toMatch(/^Decided again from the stored inputs: NOT the same \(action, reason, .*Now: \w/);
});

describe('an operation', () => {
  let world: World;
  beforeEach(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    world = enter(new World());
    await run(await world.acceptLaunch());
    const spec = { ...world.jarSpec(2), scaling: { enabled: true, priority: 0, scaleInWindowSeconds: 0 } };
    await run(await world.acceptSubmission(spec));
    await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 200 });
  });
  const say = (operationId: string) =>
    explainOperation({ store: world.store, observations: world.observations, bucket: 'state' }, operationId);
  const scaled = async (): Promise<string> => {
    const { operationId = '' } = await world.consider('alarm lag');
    const operation = await world.store.operation(operationId);
    if (operation) await run(operation);
    return operationId;
  };

  test('is said with what it was decided by and why, who asked, and how far it came; from what was stored it is decided the same', async () => {
    const operationId = await scaled();
    const { lines, same } = await say(operationId);
    const stored = await world.observations.decision('flights', operationId);
    expect(same).toBe(true);
    expect(lines[0]).toBe(stored?.reason);
    expect(lines).toContainEqual('Decision: rescale out');
    for (const { text } of stored?.explanation ?? []) expect(lines.join('\n')).toContain(text);
    const at = lines.indexOf('Decided again from the stored inputs: the same.');
    expect(lines[at + 2]).toBe('Asked for by alarm lag. SUCCEEDED: Job delays was scaled out from 2 to 4 slots.');
    expect(lines.slice(at + 3)).toContainEqual(
      expect.stringMatching(/^ {2}Change parallelism: Flink was asked for 4 slots, 2 before \(ok\)$/),
    );
  });

  test('need not be there for the newest observation of a job to be said', async () => {
    const { lines } = await explainJob(world.observations, 'flights', 'delays');
    expect(lines[0]).toMatch(/^Job delays on cluster flights is RUNNING, observed at .* \(10 s\)$/);
    expect(lines).toContain('  Source -> Sink with 2: busy 100 % / 100 %, backpressured 0 % / 0 %, idle 0 % / 0 %');
    await expect(explainJob(world.observations, 'flights', 'nothing')).rejects.toThrow(
      'there is no observation of job nothing on cluster flights',
    );
  });

  test('of which the stored inputs were changed is said to be decided otherwise', async () => {
    const operationId = await scaled();
    const stored = await world.observations.decision('flights', operationId);
    if (!stored) throw new Error('it was not kept');
    const desired = { ...stored.inputs.desired, maxParallelism: 3 };
    await world.observations.putDecision(operationId, { ...stored, inputs: { ...stored.inputs, desired } });
    const { lines, same } = await say(operationId);
    expect(same).toBe(false);
    expect(lines).toContainEqual(expect.stringMatching(/NOT the same \(action, reason, explanation\).*Now: Scale out from 2 to 3 slots/));
  });

  test('that a person asked for, or that is not there, is said to be so', async () => {
    const byPerson = await world.acceptChange({ kind: 'rescale-job', parallelism: 3 });
    await expect(say(byPerson.operationId)).rejects.toThrow(/\(rescale-job\) was not decided by the control plane/);
    await expect(say('op-nothing')).rejects.toThrow('there is no operation op-nothing');
  });

  test('of which nothing is kept any more is said to be so', async () => {
    const operationId = await scaled();
    const nothing = { decision: async () => undefined };
    await expect(explainOperation({ store: world.store, observations: nothing, bucket: 'state' }, operationId)).rejects.toThrow(
      `what operation ${operationId} was decided by is not in state any more`,
    );
  });
});

test('something else is refused', () => {
  expect(() => explain({ observed: 1 })).toThrow();
});

describe('the command', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-explain-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
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
