import { parseInstance, recoveryAfter, type TaskInstance } from '../../../bench/recovery/events';
import { aimsOf, type Series } from '../../../bench/recovery/judge';
import type { Measured } from '../../../bench/recovery/scene';
import { configurationOf } from '../../../bench/recovery/variants';
import { zoneAims } from '../../../bench/recovery/zones';

const instance = (subtask: number, openedAt: number, firstAt?: number, rest: Partial<TaskInstance> = {}): TaskInstance => ({
  subtask,
  openedAt,
  restored: true,
  toldAt: [],
  wrong: 0,
  ...(firstAt === undefined ? {} : { firstAt }),
  ...rest,
});

test('an instance tells when it had its state, when its first record came, and what was not the next of its key', () => {
  expect(parseInstance('OPEN 1000500 2 true\nWRONG 1000700 2 9 8\nFIRST 1000900 2 9\nTOLD 1001100 2 4\n')).toEqual({
    subtask: 2,
    openedAt: 1_000.5,
    restored: true,
    firstAt: 1_000.9,
    toldAt: [1_001.1],
    wrong: 1,
  });
  expect(parseInstance('')).toBeUndefined();
});

test('of several starts after a fault the last counts, and what was lost in any', () => {
  const before = [instance(0, 10, 11), instance(1, 10, 12, { wrong: 1 })];
  const failed = [instance(0, 150, 160), instance(1, 151)];
  const last = [instance(0, 300, 340), instance(1, 310, 330)];
  expect(recoveryAfter(100, [...before, ...failed, ...last], 2)).toEqual({
    restored: 210,
    firstRecord: 230,
    allSubtasks: 240,
    attempts: 2,
    wrong: 1,
    stateless: 0,
  });
});

test('a recovery is not over while a subtask has no record, and one without state is seen', () => {
  expect(recoveryAfter(100, [instance(0, 150, 160), instance(1, 151)], 2)).toBeUndefined();
  expect(recoveryAfter(100, [instance(0, 150, 160), instance(1, 151, 170, { restored: false })], 2)).toMatchObject({ stateless: 1 });
});

const run = (firstRecord: number, rest: Partial<Measured> = {}): Measured => ({
  restored: 1,
  firstRecord,
  allSubtasks: firstRecord,
  attempts: 1,
  wrong: 0,
  stateless: 0,
  detected: 1,
  checkpoint: 1,
  ...rest,
});
const series = (rest: Partial<Series>): Series => ({
  fault: 'taskmanager',
  variant: 'sluice',
  stateMB: 10,
  localRecovery: true,
  measured: [run(900), run(950), run(2_500)],
  machine: { load: 1, stolenPercent: 0 },
  ...rest,
});

test('aims are judged by p50 and p95, what was lost, and what was not measured', () => {
  expect(aimsOf([series({})]).map(({ name, met }) => [name, met])).toEqual([
    ['TaskManager killed, 10 MB: first record, p50', true],
    ['TaskManager killed, 10 MB: first record, p95', false],
    ['Records lost or counted twice', true],
    ['Cases that were not measured to their end', true],
  ]);
  const lost = aimsOf([series({ measured: [run(1, { stateless: 1 }), run(1, { wrong: 3 })], problem: 'ended' })]);
  expect(lost.filter(({ met }) => !met).map(({ measured }) => measured)).toEqual([3, 1]);
});

test('the ratio is that of the medians of the same fault and state', () => {
  const peer = series({ variant: 'plain', measured: [run(9_500)] });
  expect(aimsOf([series({}), peer]).at(-1)).toMatchObject({ name: "TaskManager killed: times longer with Flink's defaults", measured: 10 });
});

test("peers have Flink's own heartbeats, restart strategy and no recovery, and the same memory, slots and state", () => {
  const shape = { jobManagerAddresses: ['127.0.0.1'] as const, stateBucket: 'state', slotsPerTaskManager: 2, taskManagerMemoryMiB: 1_100 };
  const of = (variant: 'sluice' | 'plain' | 'operator') => configurationOf(variant, 'jobmanager', shape, 'http://s3');
  const set = (variant: 'plain' | 'operator', pattern: RegExp) => Object.keys(of(variant)).filter((key) => pattern.test(key));
  for (const variant of ['plain', 'operator'] as const) {
    expect(set(variant, /heartbeat|restart-strategy|high-availability|slot\./)).toEqual([]);
    for (const key of ['taskmanager.numberOfTaskSlots', 'state.backend.type', 'execution.checkpointing.dir', 's3.endpoint'])
      expect(of(variant)[key]).toBe(of('sluice')[key]);
  }
  expect(of('plain')['jobmanager.scheduler']).toBeUndefined();
});

test('with a stand-by the first record after a lost JobManager has a limit of its own', () => {
  const killed = { fault: 'jobmanager', measured: [run(3_500)] } as const;
  expect(aimsOf([series(killed), series({ ...killed, variant: 'standby' })]).map(({ name, met }) => [name, met])).toEqual([
    ['JobManager killed, 10 MB: first record, p50', true],
    ['JobManager killed, warm stand-by, 10 MB: first record, p50', false],
    ['Records lost or counted twice', true],
    ['Cases that were not measured to their end', true],
  ]);
});

test('a stand-by changes one setting: who may lead', () => {
  const addresses = ['127.0.0.1', '127.0.0.2'] as const;
  const shape = { jobManagerAddresses: addresses, stateBucket: 'state', slotsPerTaskManager: 2, taskManagerMemoryMiB: 1_100 };
  const of = (variant: 'sluice' | 'standby') => configurationOf(variant, 'taskmanager', shape, 'http://s3');
  expect(of('standby')).toEqual({ ...of('sluice'), 'high-availability.sluice.jobmanagers': '127.0.0.1,127.0.0.2' });
});

test('zones of which none was measured to its end have no figures, and say why', () => {
  const aims = zoneAims({
    fault: 'zone',
    capacity: 'cold',
    measured: [],
    wrong: 0,
    machine: { load: 3, stolenPercent: 0 },
    problem: 'ended',
  });
  expect(aims.map(({ measured, met, note }) => [measured, met, note])).toEqual([
    [null, false, '0 zones, load up to 3'],
    [null, false, '0 zones, load up to 3'],
    [0, false, undefined],
    [0, false, 'ended'],
  ]);
});
