import type { Phase } from '../../../lambdas/contracts/operation';
import { decideJobEnd, decideJobProgress } from '../../../lambdas/domain/decide-job-progress';
import { decideClusterProgress, decideFleetProgress, hostsAskedAt } from '../../../lambdas/domain/decide-launch-progress';
import { decideSavepointProgress } from '../../../lambdas/domain/decide-savepoint-progress';
import { decideSweep } from '../../../lambdas/domain/decide-sweep';
import { statusSeen } from '../../../lambdas/domain/job-lifecycle';
import type { FleetSeen } from '../../../lambdas/gateways/aws/fleet.port';
import type { FlinkJobSeen } from '../../../lambdas/gateways/flink/flink.port';

const job = (change: Partial<FlinkJobSeen> = {}): FlinkJobSeen => ({
  state: 'RUNNING',
  parallelism: 2,
  tasks: { total: 4, running: 4, finished: 0 },
  startedAt: '2026-01-01T00:00:00.000Z',
  hasProcessed: true,
  vertices: [{ id: 'v', name: 'v', parallelism: 2, maxParallelism: 128 }],
  ...change,
});

describe('the machines of a cluster with a stand-by JobManager', () => {
  const clock = {
    since: '2026-01-01T00:00:00.000Z',
    now: '2026-01-01T00:05:00.000Z',
    deadline: '2026-01-01T00:10:00.000Z',
    patienceSeconds: 0,
  };
  const failed = { kind: 'capacity', message: 'no c5.large in us-east-1b', at: '2026-01-01T00:01:00.000Z' } as const;
  const seen: FleetSeen = { hosts: [], wanted: { jobmanager: 2, taskmanager: 2 } };

  test('are not given up because the host of one JobManager cannot be had, and the wait says which', () => {
    expect(decideFleetProgress({ ...seen, standbyProblem: failed }, clock)).toEqual({
      action: 'wait',
      reason:
        '0 of 2 JobManager hosts and 0 of 2 TaskManager hosts run; the other JobManager host cannot be launched, and the cluster works without: no c5.large in us-east-1b',
    });
  });

  test('are given up where those cannot be had that the cluster needs', () => {
    expect(decideFleetProgress({ ...seen, problem: failed }, clock)).toMatchObject({ action: 'give-up', error: 'InsufficientCapacity' });
  });
});

describe('a rescale', () => {
  test.each<[string, Partial<FlinkJobSeen>, boolean]>([
    ['is not begun while all tasks run as before', {}, false],
    ['is not begun while some of the former tasks run', { tasks: { total: 2, running: 1, finished: 0 } }, false],
    [
      'is not begun while the job waits for slots',
      { state: 'CREATED', parallelism: 4, tasks: { total: 0, running: 0, finished: 0 } },
      false,
    ],
    ['is not begun while the job fails again and again', { state: 'RESTARTING', failure: 'no broker' }, false],
    ['is begun when the former tasks are being ended', { state: 'RESTARTING', tasks: { total: 2, running: 1, finished: 0 } }, true],
    ['is begun when the new tasks read their state', { parallelism: 4, tasks: { total: 4, running: 0, finished: 0 } }, true],
  ])('%s', (_, seen, isBegun) => {
    const progress = decideJobProgress(job(seen), { parallelism: 4 });
    expect(progress.action).toBe('wait');
    expect('isOtherwise' in progress).toBe(!isBegun);
  });
});

describe('the start of a job', () => {
  test.each<[string, FlinkJobSeen | undefined, number | undefined, string, RegExp]>([
    ['runs when all tasks run', job(), undefined, 'running', /All 4 tasks run at parallelism 2/],
    ['counts tasks that have finished', job({ tasks: { total: 4, running: 3, finished: 1 } }), undefined, 'running', /All 4/],
    ['is awaited while a task is deployed', job({ tasks: { total: 4, running: 3, finished: 0 } }), undefined, 'wait', /3 of 4/],
    ['is awaited while the graph is unknown', job({ tasks: { total: 0, running: 0, finished: 0 } }), undefined, 'wait', /0 of 0/],
    ['is awaited while it restarts, with the cause', job({ state: 'RESTARTING', failure: 'no broker' }), undefined, 'wait', /no broker/],
    ['has failed with its root cause', job({ state: 'FAILED', failure: 'no topic' }), undefined, 'failed', /^no topic$/],
    ['has failed when somebody else canceled it', job({ state: 'CANCELED' }), undefined, 'failed', /by somebody else/],
    ['has succeeded when it has finished', job({ state: 'FINISHED' }), undefined, 'finished', /finished/],
    ['is gone when Flink does not know it', undefined, undefined, 'gone', /does not know/],
    ['is awaited at another parallelism than wanted', job(), 4, 'wait', /4 wanted/],
    ['is there at the wanted parallelism', job(), 2, 'running', /parallelism 2/],
    [
      'is there at the largest parallelism that its state allows',
      job({ parallelism: 8, vertices: [{ id: 'v', name: 'v', parallelism: 8, maxParallelism: 8 }] }),
      16,
      'running',
      /parallelism 8/,
    ],
  ])('%s', (_, seen, parallelism, action, reason) => {
    const progress = decideJobProgress(seen, parallelism === undefined ? {} : { parallelism });
    expect(progress.action).toBe(action);
    expect(progress.reason).toMatch(reason);
  });

  test.each([
    ['may fail for a minute while what it reads from comes up', '2026-01-01T00:01:00.000Z', 'wait'],
    ['has failed when it keeps failing for longer', '2026-01-01T00:01:01.000Z', 'failed'],
  ])('%s', (_, startingAt, action) => {
    const failing = job({ state: 'RESTARTING', failure: 'TimeoutException: no broker' });
    expect(decideJobProgress(failing, { startingAt })).toMatchObject({ action, reason: expect.stringContaining('no broker') });
    expect(decideJobProgress(job({ tasks: { total: 2, running: 0, finished: 0 } }), { startingAt }).action).toBe('wait');
  });

  test.each([
    [undefined, true],
    [job({ state: 'CANCELED' }), true],
    [job({ state: 'CANCELLING' }), false],
    [job({ state: 'SUSPENDED' }), false],
  ])('an end is an end that Flink does not leave again', (seen, ended) => {
    expect(decideJobEnd(seen).ended).toBe(ended);
  });

  test.each([
    [undefined, 'FAILED'],
    [job({ state: 'RESTARTING' }), 'RUNNING'],
    [job({ state: 'CANCELLING' }), 'CANCELED'],
    [job({ state: 'FINISHED' }), 'FINISHED'],
    [job({ state: 'FAILED' }), 'FAILED'],
  ])('the stored status says what Flink shows', (seen, status) => {
    expect(statusSeen(seen).status).toBe(status);
  });
});

describe('a launch', () => {
  const clock = (seconds: number) => ({
    since: '2026-01-01T00:00:00.000Z',
    now: new Date(Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1_000).toISOString(),
    deadline: '2026-01-01T00:10:00.000Z',
  });
  const fleet = (problem?: FleetSeen['problem']): FleetSeen => ({
    hosts: [],
    wanted: { jobmanager: 1, taskmanager: 2 },
    ...(problem ? { problem } : {}),
  });
  const capacity = { kind: 'capacity', message: 'Insufficient capacity.', at: '2026-01-01T00:00:01.000Z' } as const;
  const other = { kind: 'other', message: 'Invalid profile.', at: '2026-01-01T00:00:01.000Z' } as const;

  test.each<[string, FleetSeen, number, string, RegExp]>([
    ['waits for hosts that boot', fleet(), 10, 'wait', /0 of 1 JobManager hosts and 0 of 2/],
    ['waits a minute for capacity', fleet(capacity), 59, 'wait', /Insufficient capacity/],
    [
      'does not blame a launch that failed before it asked',
      fleet({ ...capacity, at: '2025-12-31T23:59:59.000Z' }),
      300,
      'wait',
      /hosts run$/,
    ],
    ["gives up after that with EC2's words", fleet(capacity), 60, 'InsufficientCapacity', /no capacity for 60 s: Insufficient capacity/],
    ['waits on after another failed launch: the group tries again', fleet(other), 300, 'wait', /Invalid profile/],
    ['ends at its deadline and says what was missing', fleet(other), 601, 'DeadlineExceeded', /within 601 s.*Invalid profile/],
  ])('%s', (_, seen, seconds, outcome, reason) => {
    const progress = decideFleetProgress(seen, clock(seconds));
    expect(progress.action === 'wait' ? 'wait' : progress.error).toBe(outcome);
    expect(progress.reason).toMatch(reason);
  });

  test('counts the time of its hosts from when they were asked for: in the zone that a move has taken last', () => {
    const operation = { requestedAt: '2026-01-01T00:00:00.000Z', startedAt: '2026-01-01T00:00:01.000Z', phases: [] };
    const next: Phase = { name: 'Take the next zone', startedAt: '2026-01-01T00:05:30.000Z', outcome: 'running', reason: '', attempts: 1 };
    const taken: Phase = { ...next, endedAt: '2026-01-01T00:05:31.000Z', outcome: 'ok' };
    expect([[], [next], [taken]].map((phases) => hostsAskedAt({ ...operation, phases }))).toEqual([
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:05:31.000Z',
    ]);
  });

  test('gives up hosts that have not registered within the time for them', () => {
    const within = (seconds: number) => decideFleetProgress(fleet(other), { ...clock(seconds), withinSeconds: 300 });
    expect(within(299)).toMatchObject({ action: 'wait' });
    expect(within(300)).toMatchObject({ error: 'InsufficientCapacity', reason: expect.stringMatching(/within 300 s.*Invalid profile/) });
  });

  test.each([
    [undefined, false, /does not answer yet/],
    [{ taskManagers: 1, slotsTotal: 2, slotsFree: 2 }, false, /2 of 4 slots/],
    [{ taskManagers: 2, slotsTotal: 4, slotsFree: 0 }, true, /4 of 4 slots/],
  ])('is ready when the JobManager answers and the wanted slots are registered', (overview, ready, reason) => {
    expect(decideClusterProgress(overview, 4)).toEqual({ ready, reason: expect.stringMatching(reason) });
  });
});

describe('a savepoint', () => {
  const location = 's3://state/savepoint-1';
  test.each([
    ['is awaited while it is written', { state: 'in-progress' }, job(), 'wait'],
    ['is there when it is complete', { state: 'completed', location }, undefined, 'completed'],
    ['has failed with its cause', { state: 'failed', reason: 'declined' }, job(), 'failed'],
    ['is asked for again when a restarted JobManager forgot it', { state: 'unknown' }, job(), 'ask-again'],
    ['has failed when neither request nor job is known', { state: 'unknown' }, undefined, 'failed'],
    ['has failed when the job ended without it', { state: 'unknown' }, job({ state: 'FAILED', failure: 'lost' }), 'failed'],
  ] as const)('%s', (_, state, seen, action) => {
    expect(decideSavepointProgress(state, seen).action).toBe(action);
  });

  test('is kept when only the stop failed', () => {
    const progress = decideSavepointProgress({ state: 'failed', reason: 'it did not stop', location }, job());
    expect(progress).toMatchObject({ action: 'failed', location, reason: expect.stringContaining('kept') });
  });
});

describe('the sweeper', () => {
  const operation = { requestedAt: '2026-01-01T00:00:00.000Z', deadline: '2026-01-01T00:10:00.000Z' } as Parameters<typeof decideSweep>[0];
  test.each([
    ['leaves alone what is being started', 'absent', '2026-01-01T00:00:20.000Z', 'leave'],
    ['starts what was not started', 'absent', '2026-01-01T00:00:31.000Z', 'start'],
    ['leaves alone what runs', 'running', '2026-01-01T00:09:00.000Z', 'leave'],
    ['ends what was interrupted', 'ended', '2026-01-01T00:01:00.000Z', 'end'],
    ['leaves time to clean up after the deadline', 'running', '2026-01-01T00:20:00.000Z', 'leave'],
    ['ends what is over its time for cleaning up too', 'running', '2026-01-01T00:26:00.000Z', 'end'],
  ] as const)('%s', (_, execution, now, action) => {
    expect(decideSweep(operation, execution, now).action).toBe(action);
  });
});
