import type { Operation } from '../../../lambdas/contracts/operation';
import { failoverReport } from '../../../lambdas/domain/failover-report';
import { anOperation } from '../../contract/support/samples';

const at = (seconds: number): string => new Date(Date.parse('2026-03-01T12:00:00.000Z') + seconds * 1_000).toISOString();
const phase = (name: string, from: number, to?: number): Operation['phases'][number] => ({
  name,
  startedAt: at(from),
  ...(to === undefined ? {} : { endedAt: at(to) }),
  outcome: to === undefined ? 'running' : 'ok',
  attempts: 1,
  reason: '',
});
type Request = Extract<Operation['request'], { kind: 'fail-over-cluster' }>;
const failover = (phases: Operation['phases'], change: Partial<Request> = {}): Operation =>
  anOperation({
    kind: 'fail-over-cluster',
    requestedAt: at(10),
    phases,
    request: {
      kind: 'fail-over-cluster',
      from: 'us-east-1a',
      zone: 'us-east-1b',
      trigger: { kind: 'zone-event', evidence: 'an autoshift', detectedAt: at(0) },
      ...change,
    },
  });

const LOST = [
  phase('Take over the jobs', 11, 12),
  phase('Prepare access', 12, 13),
  phase('Ask the lost hosts', 15, 16),
  phase('Fence lost hosts', 16, 17),
  phase('Look for slots', 18, 70),
  phase('Start jobs', 70, 72),
  phase('Look at the jobs', 72, 80),
  phase('Look for first checkpoints', 81, 90),
];

test('of a lost zone the outage begins when the loss was seen first, and each part has its time', () => {
  expect(failoverReport(failover(LOST), 120)).toEqual({
    seconds: { detect: 10, decide: 2, capacity: 58, state: 1, fence: 1, restore: 10, firstCheckpoint: 10 },
    objectiveSeconds: 120,
    capacity: 'cold',
    outageSeconds: 80,
    objectiveMet: true,
  });
});

test('an outage that is longer than the objective has missed it', () => {
  expect(failoverReport(failover(LOST), 79)).toMatchObject({ outageSeconds: 80, objectiveMet: false });
});

test('of a planned move the outage begins when the jobs are asked to stop: new hosts were there by then', () => {
  const planned = [...LOST.filter(({ name }) => !/lost hosts/.test(name)), phase('Secure state', 60, 65), phase('Fence', 65, 66)];
  expect(failoverReport(failover(planned), 120)).toMatchObject({ outageSeconds: 20, seconds: { state: 5, fence: 1 } });
});

test('the outage ends with the first record of all jobs, where that was seen', () => {
  const report = failoverReport(failover([...LOST, phase('First record', 83, 83)]), 120);
  expect(report).toMatchObject({ outageSeconds: 83, seconds: { restore: 10, firstRecord: 3, firstCheckpoint: 10 } });
});

test('what a job processes again is what came between the state that it goes on from and its end; with the savepoint it was stopped with, nothing', () => {
  const jobs = [
    { name: 'delays', restoredFrom: 's3://state/chk-7', restoredStateAt: at(-25) },
    { name: 'totals', restoredFrom: 's3://state/savepoint-1' },
    { name: 'new' },
  ];
  expect(failoverReport(failover(LOST), 120, jobs)?.reprocessedSeconds).toEqual({ delays: 25, totals: 0 });
  // Nobody has seen a loss: a zone that only counts as lost goes on until it is cut off.
  const drill = failover(LOST, { trigger: { kind: 'drill', evidence: 'a drill' } });
  expect(failoverReport(drill, 120, jobs)?.reprocessedSeconds).toEqual({ delays: 41, totals: 0 });
  expect(failoverReport(failover(LOST), 120)).not.toHaveProperty('reprocessedSeconds');
});

test('a failover that ended before its jobs ran has no outage to tell, and only the parts that it came to', () => {
  const report = failoverReport(failover([phase('Take over the jobs', 11, 12), phase('Prepare access', 12)]), 120);
  expect(report).toEqual({ seconds: { detect: 10, decide: 2 }, objectiveSeconds: 120, capacity: 'cold' });
});

test('tidying up, and any other operation, is no failover', () => {
  expect(failoverReport(failover(LOST, { cleansOnly: true }), 120)).toBeUndefined();
  expect(failoverReport(anOperation(), 120)).toBeUndefined();
});
