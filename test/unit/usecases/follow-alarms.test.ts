import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { Job } from '../../../lambdas/contracts/job';
import { wantedAlarms } from '../../../lambdas/usecases/scaling/follow-alarms';
import { enter, run } from '../../state-machines/support/functions';
import { STAGE, World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

let cluster: Cluster;
let job: Job;
beforeAll(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const world = enter(new World());
  await run(await world.acceptLaunch());
  const scaling = { enabled: true, priority: 0, serviceLevels: { maxWatermarkLagSeconds: 60 } };
  await run(await world.acceptSubmission({ ...world.jarSpec(2), scaling }));
  [cluster, job] = [await world.cluster(), await world.job()];
});

/** Periods of the alarms on what users feel, for a stage and a cluster that are observed so often. */
const periods = (alarmSeconds: number, stageSeconds: number, clusterSeconds?: number): readonly number[] => {
  const stage = {
    ...STAGE,
    alarms: { ...STAGE.alarms, periodSeconds: alarmSeconds },
    observation: { ...STAGE.observation, intervalSeconds: stageSeconds },
  };
  const spec = { ...cluster.spec, ...(clusterSeconds === undefined ? {} : { observation: { intervalSeconds: clusterSeconds } }) };
  const wanted = wantedAlarms(stage, { ...cluster, spec }, job);
  return [...new Set(wanted.filter(({ kind }) => kind !== 'idle').map(({ periodSeconds }) => periodSeconds))];
};

test.each([
  { alarms: 10, stage: 10, period: 10 },
  { alarms: 60, stage: 10, period: 60 },
  { alarms: 10, stage: 20, period: 20 },
  { alarms: 10, stage: 10, cluster: 30, period: 30 },
  { alarms: 10, stage: 10, cluster: 40, period: 60 },
  { alarms: 10, stage: 60, cluster: 10, period: 10 },
  { alarms: 60, stage: 60, cluster: 10, period: 60 },
])('every data point of an alarm holds an observation: %j', ({ alarms, stage, cluster: own, period }) => {
  expect(periods(alarms, stage, own)).toEqual([period]);
});

test('a job that reads from MSK has an alarm of each of its topics', () => {
  const msk = { clusterName: 'events', consumerGroup: 'delays', topics: ['flights', 'weather'] };
  const kinds = (of: Job): readonly string[] => wantedAlarms(STAGE, cluster, of).map(({ kind }) => kind);
  expect(kinds({ ...job, spec: { ...job.spec, source: { msk } } })).toEqual([...kinds(job), 'kafka-lag-1', 'kafka-lag-2']);
});

test('a job that is over, that says nothing of its scale, or whose cluster does not run has no alarms', () => {
  const { scaling: _, ...silent } = job.spec;
  expect([
    wantedAlarms(STAGE, cluster, { ...job, status: 'FAILED' }),
    wantedAlarms(STAGE, cluster, { ...job, spec: silent }),
    wantedAlarms(STAGE, { ...cluster, status: 'LAUNCHING' }, job),
    wantedAlarms(STAGE, undefined, job),
    wantedAlarms(STAGE, cluster, undefined),
  ]).toEqual([[], [], [], [], []]);
  expect(wantedAlarms(STAGE, cluster, job).length).toBeGreaterThan(3);
});
