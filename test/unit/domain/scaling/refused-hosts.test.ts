import type { Operation } from '../../../../lambdas/contracts/operation';
import { refusedHosts } from '../../../../lambdas/domain/scaling/refused-hosts';
import { later, NOW } from './examples';

const SAYS = 'EC2 has had no capacity for 61 s: We currently do not have sufficient c5.large capacity.';

/** An attempt to make 2 slots 4, so many seconds ago. */
const attempt = (
  secondsAgo: number,
  changes: Partial<Operation> & { readonly after?: number; readonly provide?: number } = {},
): Operation => {
  const { after = 4, provide = 2, ...rest } = changes;
  return {
    operationId: `op-${secondsAgo}`,
    kind: 'scale-job',
    cluster: 'flights',
    job: 'delays',
    request: {
      kind: 'scale-job',
      action: 'rescale',
      direction: 'out',
      trigger: 'alarm lag',
      reason: '',
      explanation: [],
      decidedAt: later(-secondsAgo),
      from: { v: 2 },
      to: { v: after },
      slots: { before: 2, after, provide, spare: 0 },
    },
    status: 'FAILED',
    requestedBy: 'sluice-scaling',
    requestedAt: later(-secondsAgo - 60),
    deadline: later(600),
    endedAt: later(-secondsAgo),
    phases: [],
    reason: SAYS,
    error: { name: 'InsufficientCapacity', message: SAYS },
    ...rest,
  } as Operation;
};
const changedAfter = (...before: readonly (readonly [name: string, outcome: string])[]) =>
  ({
    status: 'SUCCEEDED',
    error: undefined,
    phases: [...before, ['Change parallelism', 'ok']].map(([name, outcome]) => ({ name, outcome, reason: SAYS })),
  }) as unknown as Partial<Operation>;
const changed = changedAfter(['Look for slots', 'ok']);
/** To have eight slots instead of two, of which one was free; it got so many of them. */
const cut = (slots: number, phase: readonly [string, string] = ['Look at the hosts', 'failed']) => ({
  ...changedAfter(['Look for slots', 'waiting'], phase),
  after: 8,
  provide: 5,
  result: { slots },
});
/** So many attempts that brought none, half an hour apart, the newest a second ago. */
const inARow = (times: number): readonly Operation[] => Array.from({ length: times }, (_, index) => attempt(1 + index * 1_800));

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [4, 8],
  [5, 16],
  [6, 30],
  [9, 30],
])('after %i attempts in a row that brought no hosts the next comes %i min later', (times, minutes) => {
  const until = later(minutes * 60 - 1);
  expect(refusedHosts(inARow(times), 'delays', NOW)).toEqual({ times, slots: 4, until, says: SAYS });
  expect(refusedHosts(inARow(times), 'delays', until)).toBeUndefined();
});

test.each<[string, number | undefined, readonly Operation[]]>([
  ['none without attempts', undefined, []],
  ['none while the attempt is under way', undefined, [attempt(1, { status: 'RUNNING', endedAt: undefined } as never)]],
  ['none of an attempt of another job', undefined, [attempt(1, { job: 'arrivals' })]],
  ['none of one that failed for another reason', undefined, [attempt(1, { error: { name: 'JobFailed', message: '' } })]],
  ['none of one that was to add nothing', undefined, [attempt(1, { provide: 0 })]],
  ['none once hosts came', undefined, [attempt(1, changed), ...inARow(3)]],
  ['none once hosts came to another job of the cluster', undefined, [attempt(1, { ...changed, job: 'arrivals' }), ...inARow(3)]],
  ['those since hosts came', 2, [attempt(1), attempt(500), attempt(900, changed), ...inARow(3)]],
  [
    'those also of which one was not needed any more in between',
    3,
    [attempt(1), attempt(500, { status: 'SUCCEEDED', error: undefined } as never), attempt(900), attempt(990)],
  ],
  ['those also behind one that only used what was free', 2, [attempt(1), attempt(500, { ...changed, provide: 0 }), attempt(900)]],
  ['those also of which one got the slot that was free, and no hosts', 2, [attempt(1, cut(3)), attempt(900, { after: 6 })]],
  ['those also of which one got that slot when no hosts had come in time', 1, [attempt(1, cut(3, ['Look at the hosts', 'ok']))]],
  ['none once some of the hosts came', undefined, [attempt(1, cut(5)), attempt(900, { after: 6 })]],
  ['those of its own, and none of another job that got what was free', 1, [attempt(1, { ...cut(3), job: 'arrivals' }), attempt(50)]],
  ['those since much more was wanted', 2, [attempt(1, { after: 7 }), attempt(500, { after: 6 }), attempt(900), attempt(990)]],
  [
    'those since the cluster was moved',
    1,
    [attempt(1), attempt(500, { request: { kind: 'fail-over-cluster' }, status: 'SUCCEEDED' } as never), attempt(900)],
  ],
  [
    'those also behind a move that failed',
    2,
    [attempt(1), attempt(500, { request: { kind: 'fail-over-cluster' } } as never), attempt(900)],
  ],
])('attempts in a row are %s', (_, times, operations) => {
  expect(refusedHosts(operations, 'delays', NOW)?.times).toBe(times);
});
