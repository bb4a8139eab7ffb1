import { chooseFailoverZone, failoverProblems } from '../../../lambdas/domain/choose-failover-zone';
import {
  BOOT_SECONDS,
  decideFailover,
  REMEMBERED_SECONDS,
  REPLACED_ONCE_IN_SECONDS,
  REPLACEMENT_SECONDS,
  SETTLE_AT_MOST_SECONDS,
  SETTLE_IN_SILENCE_SECONDS,
  SETTLE_SECONDS,
  silentHosts,
  type ZoneEvidence,
} from '../../../lambdas/domain/decide-failover';

const NOW = '2026-03-01T12:00:00.000Z';
const ago = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();
const CLUSTER: Parameters<typeof decideFailover>[0] = {
  name: 'flights',
  zone: 'us-east-1a',
  status: 'RUNNING',
  desired: 'RUNNING',
  epoch: 3,
  resources: { taskManagerGroups: [], launchTemplateIds: [] },
  automatic: true,
  moves: [],
};
/** Moves for want of answers that did not help, one before the other; the first number is of the newest, seconds ago. */
const silent = (...seconds: readonly number[]) => ({
  moves: seconds.map((one) => ({ at: ago(one), trigger: 'jobmanager-unreachable' as const, helped: false })),
});
const told = (seconds: number) => ({ moves: [{ at: ago(seconds), trigger: 'zone-event' as const, helped: true }] });
const shift: ZoneEvidence = { kind: 'zone-event', zone: 'us-east-1a', says: 'an autoshift is in progress' };
const noHost: ZoneEvidence = { kind: 'launch-failures', epoch: 3, says: 'no capacity', running: 0 };
const standby = (zone: string) => ({ zone, networkInterfaceId: 'eni-2', address: '10.0.2.20', group: 'standby' });
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
/** Spread over three zones, with the JobManager in the first and its stand-by in the second. */
const WITH_STANDBY = { zones: ZONES, resources: { ...CLUSTER.resources, standby: standby('us-east-1b') } };
const inOneZone = { resources: { ...CLUSTER.resources, standby: standby('us-east-1a') } };
type Fault = Extract<ZoneEvidence, { kind: 'fault' }>;
const fault = (seconds: number, change: Partial<Fault> = {}, kind: Fault['fault']['kind'] = 'jobmanager-unreachable'): Fault => ({
  kind: 'fault',
  fault: { kind, epoch: 3, since: ago(seconds), seenAt: NOW, ...(kind === 'members-lost' ? {} : { silentSince: ago(seconds) }) },
  says: 'the JobManager has not answered',
  running: 1,
  silent: [],
  alsoSilent: [],
  ...change,
});
/** The JobManager's host runs, and has for long. */
const HUNG = { silent: [{ instanceId: 'i-1' }] };

const launched = (seconds: number) => ({ launchedAt: ago(seconds) });
/** @param silent seconds of the fault in which nobody has answered at all; undefined: the last pass was answered */
const recovering = (seconds: number, silent?: number): Fault => {
  const { fault: whole, ...rest } = fault(seconds, HUNG);
  return { ...rest, fault: { ...whole, silentSince: silent === undefined ? undefined : ago(silent) } };
};

test.each<[string, Partial<typeof CLUSTER>, ZoneEvidence, string]>([
  ['AWS shifts away from the zone of the cluster', {}, shift, 'move'],
  ['AWS shifts away from another zone', {}, { ...shift, zone: 'us-east-1b' }, 'hold'],
  ['AWS shifts away from the zone that the cluster went to a moment ago', told(30), shift, 'move'],
  ['the person wants to decide', { automatic: false }, shift, 'hold'],
  ['the cluster is being moved already', { status: 'FAILING_OVER' }, shift, 'hold'],
  ['the cluster is to be terminated', { desired: 'TERMINATED' }, shift, 'hold'],
  ['no host is left and none can be launched', {}, noHost, 'move'],
  ['a host runs: what is lost is replaced, and what restarts comes back by itself', {}, { ...noHost, running: 1 }, 'hold'],
  ['the failed launch was of an earlier epoch', {}, { ...noHost, epoch: 2 }, 'hold'],
  [
    'the failed launch was of the epoch whose hosts were given back',
    { resources: { ...CLUSTER.resources, epoch: 2 } },
    { ...noHost, epoch: 2 },
    'move',
  ],
  ['no host is there yet right after a move', told(SETTLE_SECONDS - 1), noHost, 'hold'],
  ['no host is there long after a move', told(SETTLE_SECONDS), noHost, 'move'],
  ['the JobManager restarts, or its host is being replaced', {}, fault(REPLACEMENT_SECONDS - 1), 'hold'],
  ['the JobManager is silent for longer than a replacement takes', {}, fault(REPLACEMENT_SECONDS), 'move'],
  ['the host that replaces the JobManager has just been launched', {}, fault(400, { launchedAt: ago(100) }), 'hold'],
  ['the host that replaces it was launched long ago and does not answer either', {}, fault(900, { launchedAt: ago(400) }), 'move'],
  ['the JobManager hangs on a host that is well', {}, fault(60, HUNG), 'replace'],
  ['the JobManager hangs, also where a person wants to decide about moves', { automatic: false }, fault(60, HUNG), 'replace'],
  ['the JobManager hangs right after a move', told(30), fault(60, HUNG), 'replace'],
  ['the JobManager of another cluster does not answer either', {}, fault(60, { ...HUNG, alsoSilent: ['orders'] }), 'hold'],
  ['the JobManager hung in an earlier epoch', { epoch: 4 }, fault(60, HUNG), 'hold'],
  ['the JobManager says that it recovers its jobs', {}, recovering(60), 'hold'],
  ['the JobManager has recovered its jobs for longer than a replacement takes', {}, recovering(REPLACEMENT_SECONDS), 'move'],
  ['the JobManager is silent for a moment after it has recovered its jobs or had no TaskManager', {}, recovering(120, 59), 'hold'],
  ['the JobManager is silent for a minute after it has', {}, recovering(120, 60), 'replace'],
  ['a JobManager that answers has no TaskManager', {}, fault(60, HUNG, 'members-lost'), 'hold'],
  ['its host is being replaced', { replacedAt: ago(30) }, fault(90, HUNG), 'hold'],
  ['it hangs again soon after its host was replaced', { replacedAt: ago(REPLACED_ONCE_IN_SECONDS - 1) }, fault(60, HUNG), 'hold'],
  ['it hangs again long after that', { replacedAt: ago(REPLACED_ONCE_IN_SECONDS) }, fault(60, HUNG), 'replace'],
  ['the other host does not answer either', { replacedAt: ago(230) }, fault(REPLACEMENT_SECONDS, launched(BOOT_SECONDS)), 'move'],
  ['the other host still boots', { replacedAt: ago(230) }, fault(REPLACEMENT_SECONDS, launched(BOOT_SECONDS - 1)), 'hold'],
  ['no other host has come yet', { replacedAt: ago(BOOT_SECONDS - 1) }, fault(REPLACEMENT_SECONDS, { running: 0 }), 'hold'],
  ['no other host has come in its time', { replacedAt: ago(BOOT_SECONDS) }, fault(REPLACEMENT_SECONDS, { running: 0 }), 'move'],
  ['the other host still has the time of any other', { replacedAt: ago(230) }, fault(REPLACEMENT_SECONDS - 1, launched(200)), 'hold'],
  ['no host of the JobManager is left and none can be launched', {}, fault(60, { running: 0, problem: 'no capacity' }), 'move'],
  ['a launch failed, but the host of the JobManager runs', {}, fault(60, { problem: 'no capacity' }), 'hold'],
  ['all TaskManagers are gone and are being replaced', {}, fault(90, { running: 0 }, 'members-lost'), 'hold'],
  ['all TaskManagers are gone and stay away', {}, fault(REPLACEMENT_SECONDS, { running: 0 }, 'members-lost'), 'move'],
  [
    'the zone of the JobManager is lost, and its stand-by runs in another',
    WITH_STANDBY,
    { ...shift, jobManagers: ['us-east-1a', 'us-east-1b'] },
    'hold',
  ],
  [
    'the zone of the JobManager is lost, and the host of its stand-by is not there',
    WITH_STANDBY,
    { ...shift, jobManagers: ['us-east-1a'] },
    'move',
  ],
  [
    'the zone of the stand-by is lost, and the JobManager runs',
    WITH_STANDBY,
    { ...shift, zone: 'us-east-1b', jobManagers: ['us-east-1a', 'us-east-1b'] },
    'hold',
  ],
  [
    'the zone of the stand-by is lost, which has led since the JobManager was',
    WITH_STANDBY,
    { ...shift, zone: 'us-east-1b', jobManagers: ['us-east-1b'] },
    'move',
  ],
  ['a zone is lost in which there are only TaskManagers', WITH_STANDBY, { ...shift, zone: 'us-east-1c', jobManagers: [] }, 'hold'],
  ['the zone is lost in which the stand-by is too', inOneZone, shift, 'move'],
  ['a host of a JobManager cannot be launched, and the other JobManager leads', WITH_STANDBY, { ...noHost, leadsIn: 'us-east-1b' }, 'hold'],
  ['a host of a JobManager cannot be launched, and no other runs', WITH_STANDBY, noHost, 'move'],
  ['nobody answers, and the person wants to decide', { automatic: false }, fault(900), 'hold'],
  ['nobody answered in an earlier epoch', { epoch: 4 }, fault(900), 'hold'],
  ['nobody answers right after a move', told(SETTLE_IN_SILENCE_SECONDS - 1), fault(900), 'hold'],
  ['nobody answers some minutes after a move', told(SETTLE_IN_SILENCE_SECONDS), fault(900), 'move'],
  ['nobody answers, as before a move that did not help', silent(2 * SETTLE_IN_SILENCE_SECONDS - 1), fault(900), 'hold'],
  ['nobody answers long after a move for the same reason', silent(2 * SETTLE_IN_SILENCE_SECONDS), fault(900), 'move'],
  [
    'nobody answers, as before three moves that helped',
    { moves: silent(SETTLE_IN_SILENCE_SECONDS, 7_000, 9_000).moves.map((one) => ({ ...one, helped: true })) },
    fault(900),
    'move',
  ],
  ['nobody answers, as before three moves', silent(8 * SETTLE_IN_SILENCE_SECONDS - 1, 7_000, 9_000), fault(900), 'hold'],
  [
    'nobody answers, as before many moves, and an hour has passed',
    silent(SETTLE_AT_MOST_SECONDS, 7e3, 8e3, 9e3, 1e4, 11e3),
    fault(900),
    'move',
  ],
  ['it was moved for the same reason, but not today', silent(400, REMEMBERED_SECONDS + 1, REMEMBERED_SECONDS + 2), fault(900), 'hold'],
  ['the same reasons count no more', { moves: [...told(400).moves, ...silent(REMEMBERED_SECONDS + 1).moves] }, fault(900), 'move'],
  ['nothing can be launched right after a move', told(SETTLE_SECONDS - 1), fault(60, { running: 0, problem: 'none' }), 'hold'],
  ['nothing can be launched a while after a move', told(SETTLE_SECONDS), fault(60, { running: 0, problem: 'none' }), 'move'],
  ['nothing can be launched, as before the move', silent(2 * SETTLE_SECONDS - 1), fault(60, { running: 0, problem: 'none' }), 'hold'],
])('%s', (_, change, evidence, action) => {
  const decision = decideFailover({ ...CLUSTER, ...change }, evidence, NOW);
  expect(decision.action).toBe(action);
  expect(decision.reason).not.toBe('');
});

test('whoever is on call reads which hosts hang, and for how long', () => {
  const reasonOf = (...ids: string[]): string => {
    const evidence = fault(62, { silent: ids.map((instanceId) => ({ instanceId })) });
    return decideFailover(CLUSTER, evidence, NOW).reason;
  };
  expect(reasonOf('i-1')).toBe('the JobManager has not answered for 62 s though i-1 runs by what EC2 says');
  expect(reasonOf('i-1', 'i-2')).toMatch(/though i-1 and i-2 run by/);
});

test.each([
  ['a JobManager host that ran long before the silence', {}, true],
  ['a host of TaskManagers', { role: 'taskmanager' }, false],
  ['one that is leaving', { state: 'leaving' }, false],
  ['one that is not up yet', { state: 'pending' }, false],
  ['one that was launched just before it', { launchedAt: ago(149) }, false],
  ['one that was launched since', { launchedAt: ago(30) }, false],
  ['one of which EC2 does not say when', { launchedAt: undefined }, false],
] as const)('%s: can hang is %s', (_, change, hangs) => {
  const host = { instanceId: 'i-1', role: 'jobmanager', zone: 'us-east-1a', state: 'running', launchedAt: ago(150), ...change };
  expect(silentHosts({ hosts: [host] as never }, ago(60)).length > 0).toBe(hangs);
});

test('whoever is on call reads which JobManager leads on, and what brings the other back', () => {
  const reasonOf = (evidence: ZoneEvidence): string => decideFailover({ ...CLUSTER, ...WITH_STANDBY }, evidence, NOW).reason;
  const jobManagers = ['us-east-1a', 'us-east-1b'];
  expect(reasonOf({ ...shift, jobManagers })).toMatch(/its stand-by JobManager in us-east-1b leads on.*a planned move puts both/);
  expect(reasonOf({ ...shift, zone: 'us-east-1b', jobManagers })).toMatch(/its JobManager in us-east-1a leads on, without a stand-by/);
  expect(reasonOf({ ...noHost, leadsIn: 'us-east-1b' })).toMatch(/in us-east-1b leads on.*no capacity; .*a planned move/);
});

const STAGE = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const none = { stage: STAGE, used: [], impaired: [] };

test.each<[string, string, Parameters<typeof chooseFailoverZone>[1], string | undefined]>([
  ['the next one of the stage', 'us-east-1a', none, 'us-east-1b'],
  ['the first one behind the last', 'us-east-1c', none, 'us-east-1a'],
  ['in the order that the cluster wants', 'us-east-1a', { ...none, allowed: ['us-east-1c', 'us-east-1b'] }, 'us-east-1c'],
  ['not one that the stage does not have', 'us-east-1a', { ...none, allowed: ['us-east-1f', 'us-east-1c'] }, 'us-east-1c'],
  ['not one where there was no capacity', 'us-east-1a', { ...none, used: ['us-east-1b'] }, 'us-east-1c'],
  ['not one that is said to be impaired', 'us-east-1a', { ...none, impaired: ['us-east-1b'] }, 'us-east-1c'],
  ['an impaired one rather than none', 'us-east-1a', { ...none, used: ['us-east-1c'], impaired: ['us-east-1b'] }, 'us-east-1b'],
  ['none when all were tried', 'us-east-1a', { ...none, used: ['us-east-1b', 'us-east-1c'] }, undefined],
])('a failover goes to %s', (_, from, known, zone) => {
  const chosen = chooseFailoverZone(from, known);
  expect(chosen.ok ? chosen.zone : undefined).toBe(zone);
});

test.each<[string, readonly string[] | undefined, string | undefined]>([
  ['any other zone of the stage, in any order', ['us-east-1c', 'us-east-1b'], undefined],
  ['the home zone, where another is there too', ['us-east-1a', 'us-east-1b'], undefined],
  ['nothing', undefined, undefined],
  ['a zone that the stage does not have', ['us-east-1b', 'us-east-1f'], 'the stage has no zone us-east-1f'],
  ['the home zone alone', ['us-east-1a'], 'nowhere to go'],
])('zones to fail over to may be %s, or that is refused', (_, zones, problem) => {
  const placement = { failover: { zones } } as Parameters<typeof failoverProblems>[0]['placement'];
  const expected = problem === undefined ? [] : [{ path: 'placement.failover.zones', message: expect.stringContaining(problem) }];
  expect(failoverProblems({ placement }, 'us-east-1a', STAGE)).toEqual(expected);
});
