import type { Cluster, Reserve } from '../../../lambdas/contracts/cluster';
import { decideReserve, type ReserveFacts } from '../../../lambdas/domain/decide-reserve';
import { spec } from './examples';

const NOW = '2026-03-01T12:00:00.000Z';
const ago = (minutes: number): string => new Date(Date.parse(NOW) - minutes * 60_000).toISOString();
const BARE: Pick<Cluster, 'name' | 'spec' | 'status' | 'desired' | 'fault' | 'reserve'> = {
  name: 'flights',
  spec: spec({ placement: { failover: { capacity: 'warm' } } }),
  status: 'RUNNING',
  desired: 'RUNNING',
};
const reserve = (change: Partial<Reserve> = {}): Reserve => ({
  epoch: 2,
  zone: 'us-east-1b',
  status: 'ready',
  since: ago(60),
  hosts: 2,
  failures: 0,
  reason: 'no capacity',
  resources: { taskManagerGroups: [], launchTemplateIds: [] },
  ...change,
});
const FACTS: ReserveFacts = { hosts: 2, zone: 'us-east-1b', troubled: {} };
const gone = (failures: number, minutes: number): typeof BARE => ({
  ...BARE,
  reserve: reserve({ status: 'gone', failures, since: ago(minutes) }),
});
const ready: typeof BARE = { ...BARE, reserve: reserve() };
const fault = { kind: 'members-lost' as const, epoch: 1, since: ago(1), seenAt: NOW };
const short = { running: 1, wanted: 2, problem: 'no capacity' };

test.each<[string, typeof BARE, Partial<ReserveFacts>, string]>([
  ['there is none', BARE, {}, 'make'],
  ['there is no zone for it', BARE, { zone: undefined }, 'hold'],
  ['the cluster is being moved', { ...BARE, status: 'FAILING_OVER' }, {}, 'none'],
  ['the cluster is to be terminated', { ...ready, desired: 'TERMINATED' }, {}, 'none'],
  ['hosts are to boot when a move begins', { ...BARE, spec: spec() }, {}, 'none'],
  ['hosts are to boot when a move begins, and some stand by', { ...ready, spec: spec() }, {}, 'take-away'],
  ['somebody works on it', { ...BARE, reserve: reserve({ status: 'making' }) }, { underWay: 'op-1' }, 'hold'],
  ['what made it has ended', { ...BARE, reserve: reserve({ status: 'making' }) }, {}, 'take-away'],
  ['it was not taken away to the end', { ...BARE, reserve: reserve({ status: 'leaving' }) }, {}, 'take-away'],
  ['the last came to nothing a moment ago', gone(1, 0.5), {}, 'hold'],
  ['the last came to nothing a while ago', gone(1, 1), {}, 'make'],
  ['three came to nothing, the last a little while ago', gone(3, 3.9), {}, 'hold'],
  ['three came to nothing, the last a while ago', gone(3, 4), {}, 'make'],
  ['many came to nothing, the last half an hour ago', gone(40, 30), {}, 'make'],
  ['it is complete', ready, {}, 'none'],
  ['the jobs need more', ready, { hosts: 3 }, 'resize'],
  ['the jobs need fewer', ready, { hosts: 1 }, 'resize'],
  ['the cluster has a fault: it may be needed any moment', { ...ready, fault }, { hosts: 1 }, 'hold'],
  ['its zone is not well, and another is', ready, { troubled: { 'us-east-1b': 'impaired' }, zone: 'us-east-1c' }, 'take-away'],
  [
    'the cluster is not to move to its zone any more',
    { ...ready, spec: spec({ placement: { failover: { capacity: 'warm', zones: ['us-east-1c'] } } }) },
    {},
    'take-away',
  ],
  [
    'a zone that its TaskManagers may be in is not well',
    ready,
    { troubled: { 'us-east-1c': 'impaired' }, spreadOver: ['us-east-1c'] },
    'take-away',
  ],
  ['a zone that they are not in is not well', ready, { troubled: { 'us-east-1c': 'impaired' }, spreadOver: [] }, 'none'],
  ['no zone is well', ready, { troubled: { 'us-east-1b': 'impaired', 'us-east-1c': 'impaired' }, zone: 'us-east-1c' }, 'none'],
  ['its zone is not well, and there is no other', ready, { troubled: { 'us-east-1b': 'impaired' } }, 'none'],
  ['its hosts are lost and do not come again', ready, { seen: short, zone: 'us-east-1c' }, 'take-away'],
  ['its hosts are lost, and there is no other zone', ready, { seen: short }, 'none'],
  ['its hosts are lost, and others are on their way', ready, { seen: { running: 1, wanted: 2 }, zone: 'us-east-1c' }, 'none'],
  ['its growth came to nothing: its group wants fewer', ready, { seen: { running: 1, wanted: 1 } }, 'resize'],
])('of a reserve, when %s', (_, cluster, facts, action) => {
  const decision = decideReserve(cluster, { ...FACTS, ...facts }, NOW);
  expect(decision).toMatchObject({ action, reason: expect.stringMatching(/.{10}/) });
});
