import { CloudWatchClient, PutMetricDataCommand, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { endlessSql } from './support/jobs';
import { awsConfiguration, cancelIfRunning, client, eventually, sharedCluster } from './support/twin';

const JOB = 'watched';
const cloudWatch = new CloudWatchClient(awsConfiguration);
let cluster: string;
beforeAll(async () => {
  cluster = await sharedCluster();
}, 240_000);
afterAll(() => cancelIfRunning(cluster, JOB), 60_000);

const alarms = async (): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const page of paginateDescribeAlarms({ client: cloudWatch }, { AlarmNamePrefix: `sluice-local-${cluster}.${JOB}.` }))
    names.push(...(page.MetricAlarms ?? []).map(({ AlarmName = '' }) => AlarmName.split('.')[2] ?? ''));
  return names.sort();
};

/** As an observation of the job would publish it: one data point a period of ten seconds. */
const putLag = (seconds: number) => {
  const dimensions = { Stage: 'local', Cluster: cluster, Job: JOB };
  const now = Date.now();
  return cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: 'Sluice',
      MetricData: [20, 10, 0].map((age) => ({
        MetricName: 'LagSeconds',
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        Timestamp: new Date(now - age * 1_000),
        Value: seconds,
        StorageResolution: 1,
      })),
    }),
  );
};
const recorded = async (state: string) => {
  const { alarms: seen } = await client.job(cluster, JOB);
  return seen?.lag?.state === state && seen.lag;
};

test('a job’s alarms come with it, tell the control plane when they ring and when they are over, and go with it', async () => {
  await client.succeeded(
    await client.submitJob(cluster, {
      name: JOB,
      sql: { script: endlessSql() },
      parallelism: 1,
      // Nothing scales here: what is put by hand says nothing about the job.
      scaling: { enabled: false, serviceLevels: { maxLagSeconds: 3_600 } },
    }),
  );
  expect(await alarms()).toEqual(['backpressure', 'busy', 'idle', 'lag']);
  await putLag(7_200);
  const rings = await eventually('the alarm on the job', 60, () => recorded('ALARM'));
  expect(rings.reason).toMatch(/^Threshold Crossed: \d out of the last 3 datapoints \[.*\] were greater than the threshold \(3600\.0\)/);
  expect(Math.abs(Date.now() - Date.parse(rings.since))).toBeLessThan(60_000);
  await putLag(1);
  await eventually('the end of the alarm on the job', 60, async () => {
    await putLag(1);
    return recorded('OK');
  });
  await cancelIfRunning(cluster, JOB);
  expect(await alarms()).toEqual([]);
}, 300_000);
