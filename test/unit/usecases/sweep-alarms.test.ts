import type { AlarmKind, JobScaling } from '../../../lambdas/contracts/scaling';
import { sweepAlarms } from '../../../lambdas/usecases/scaling/sweep-alarms';
import { enter, run } from '../../state-machines/support/functions';
import { STAGE, World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission({ ...world.jarSpec(2), scaling: { enabled: true, priority: 0 } }));
});
const sweep = (stage = STAGE) => sweepAlarms({ alarms: world.alarms, store: world.store, stage, clock: world.clock });
const alarmed = async (): Promise<readonly string[]> => [
  ...new Set((await world.alarms.alarmsOf()).map(({ cluster, job }) => `${cluster}/${job}`)),
];

const setScaling = async (given: Partial<JobScaling>): Promise<void> => {
  const previous = await world.job();
  const scaling = { enabled: true, priority: 0, ...given };
  const operation = world.operation({ kind: 'set-scaling', scaling }, 'delays');
  const { operationId, requestedAt: acquiredAt, deadline: until } = operation;
  const lease = { operationId, acquiredAt, until };
  await world.store.acceptJobChange(operation, { ...previous, spec: { ...previous.spec, scaling }, lease }, previous);
  await run(operation);
};

test('alarms of a running job are left as they are', async () => {
  expect(await sweep()).toEqual([]);
  expect(await alarmed()).toEqual(['flights/delays']);
});

test.each(['FINISHED', 'FAILED'] as const)('alarms of a job that is %s by itself are removed', async (status) => {
  await world.store.recordJobSeen('flights', 'delays', 1, { status, statusReason: 'seen' });
  expect(await sweep()).toEqual([
    { cluster: 'flights', job: 'delays', action: 'remove', reason: `4 alarms removed: the job is ${status}` },
  ]);
  expect(await sweep()).toEqual([]);
  expect(await alarmed()).toEqual([]);
});

test('alarms of jobs and clusters that nobody knows are removed', async () => {
  const settings = world.alarms.settings('flights', 'delays');
  await world.alarms.ensureAlarms('flights', 'ghost', settings);
  await world.alarms.ensureAlarms('ghosts', 'delays', settings);
  expect((await sweep()).map(({ cluster, job, action }) => [cluster, job, action])).toEqual([
    ['flights', 'ghost', 'remove'],
    ['ghosts', 'delays', 'remove'],
  ]);
  expect(await alarmed()).toEqual(['flights/delays']);
});

test('alarms that are missing are made', async () => {
  await world.alarms.deleteAlarms('flights', 'delays');
  expect(await sweep()).toMatchObject([{ action: 'make', reason: '4 alarms made or changed, 0 removed' }]);
  expect(await sweep()).toEqual([]);
});

test('alarms that could not follow a change of their levels follow it later', async () => {
  world.faults = ({ port }) => (port === 'alarms' ? { error: new Error('AccessDenied'), when: 'before' } : undefined);
  await setScaling({ serviceLevels: { maxLagSeconds: 7 } });
  world.faults = () => undefined;
  expect(await sweep()).toEqual([{ cluster: 'flights', job: 'delays', action: 'make', reason: '1 alarms made or changed, 0 removed' }]);
  expect(world.alarms.settings('flights', 'delays').find(({ kind }) => kind === 'lag')?.threshold).toBe(7);
  expect(await sweep()).toEqual([]);
});

test.each([
  ['runbook', { alarms: { ...STAGE.alarms, runbook: 'wiki/runbook' } }, 4],
  ['interval of observation', { observation: { ...STAGE.observation, intervalSeconds: 120 } }, 3],
])('alarms of running jobs follow the %s of the stage', async (_, change, changed) => {
  const stage = { ...STAGE, ...change };
  expect(await sweep(stage)).toMatchObject([{ action: 'make', reason: `${changed} alarms made or changed, 0 removed` }]);
  expect(await sweep(stage)).toEqual([]);
});

test('a job that an operation holds is left to it', async () => {
  await world.alarms.deleteAlarms('flights', 'delays');
  await world.acceptChange({ kind: 'take-savepoint' });
  expect(await sweep()).toEqual([]);
});

test('a state of which the event was lost is recorded, and an older one is not', async () => {
  const since = new Date(world.now - 60_000).toISOString();
  world.alarms.setState('flights', 'delays', 'lag', { state: 'ALARM', since, reason: 'Threshold Crossed' });
  expect(await sweep()).toMatchObject([{ job: 'delays', action: 'record', reason: `lag has been ALARM since ${since}` }]);
  expect((await world.job()).alarms).toEqual({ lag: { state: 'ALARM', since, reason: 'Threshold Crossed' } });
  expect(await sweep()).toEqual([]);
  await world.store.recordAlarm('flights', 'delays', 'lag', { state: 'OK', since: new Date(world.now).toISOString(), reason: '' });
  expect(await sweep()).toEqual([]);
});

describe('an alarm that rings while it is given up', () => {
  const since = () => new Date(world.now).toISOString();
  const ring = (kind: AlarmKind) => world.store.recordAlarm('flights', 'delays', kind, { state: 'ALARM', since: since(), reason: '' });
  const ringing = async () => Object.keys((await world.job()).alarms ?? {});
  beforeEach(async () => {
    await ring('lag');
    await ring('busy');
  });

  test('rings no more for its job once the settings are changed', async () => {
    await setScaling({ uMax: 1 });
    expect(await ringing()).toEqual(['lag']);
  });

  test('rings no more after the sweep, where it was recorded later or could not be removed before', async () => {
    await setScaling({ uMax: 1 });
    await ring('busy');
    expect(await sweep()).toEqual([{ cluster: 'flights', job: 'delays', action: 'forget', reason: 'it has no alarm busy' }]);
    expect(await ringing()).toEqual(['lag']);
    expect(await sweep()).toEqual([]);
  });

  test('rings no more for a job that is over', async () => {
    await world.store.recordJobSeen('flights', 'delays', 1, { status: 'FAILED', statusReason: 'seen' });
    expect((await sweep()).map(({ action }) => action)).toEqual(['remove', 'forget']);
    expect(await ringing()).toEqual([]);
    expect(await sweep()).toEqual([]);
  });
});

test('a job whose alarms cannot be swept does not keep the sweeper from the others, and is said', async () => {
  const settings = world.alarms.settings('flights', 'delays');
  await world.alarms.ensureAlarms('aa', 'ghost', settings);
  await world.alarms.ensureAlarms('bb', 'ghost', settings);
  world.alarms.failNext('deleteAlarms', new Error('AccessDenied'));
  await expect(sweep()).rejects.toThrow('the alarms of 1 jobs could not be swept: aa/ghost: Error: AccessDenied');
  expect(await alarmed()).toEqual(['flights/delays', 'aa/ghost']);
});
