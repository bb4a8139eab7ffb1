import { setTimeout as sleep } from 'node:timers/promises';
import { cluster } from '../../lambdas/contracts/cluster';
import { job } from '../../lambdas/contracts/job';
import type { Stage } from '../../lambdas/contracts/stage';
import { createMetrics } from '../../lambdas/gateways/aws/metrics.adapter';
import { createObservationTable } from '../../lambdas/gateways/aws/observations.adapter';
import { clusterItem, jobItem } from '../../lambdas/gateways/aws/store/items';
import { createStore } from '../../lambdas/gateways/aws/store.adapter';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import { connectFlinkMetrics } from '../../lambdas/gateways/flink/metrics.adapter';
import { listObservedClusters } from '../../lambdas/usecases/scaling/list-observed-clusters';
import { observeFlink } from '../../lambdas/usecases/scaling/observe-flink';
import { median, percentile } from '../statistics';
import { startFlinkServer } from './flink-server';
import { countedTable } from './table';

const FLINK_JOB = 'b'.repeat(32);
const NOW = () => new Date();
const INTERVAL_SECONDS = 10;

/** One pass, by the code that is deployed, against a JobManager that answers at once and a table in memory. */
export interface PassCost {
  readonly vertices: number;
  readonly flinkCalls: number;
  readonly tableCalls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly logBytes: number;
  /** Different metrics that come of it, each of which costs by the month. */
  readonly metrics: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Table reads and function ms of the list of clusters, once a minute. */
  readonly listReadUnits: number;
}

/** @param vertices of the cluster's one job; 0: it has none */
export const measurePasses = async (vertices: number, passes: number): Promise<PassCost> => {
  const server = await startFlinkServer(FLINK_JOB, vertices, 4);
  try {
    const table = countedTable();
    for (const item of [clusterItem(aCluster()), ...(vertices > 0 ? [jobItem(aJob())] : [])]) table.put(item);
    const lines: string[] = [];
    let made = 0;
    const pass = () => {
      made += 1;
      return observeFlink(deps, 'flights');
    };
    const stage: Pick<Stage, 'observation'> = { observation: { intervalSeconds: INTERVAL_SECONDS, perVertex: false } };
    const dependencies = { client: table.client, tableName: 'bench', now: NOW };
    const deps = {
      // A pass right after another is left out.
      clock: () => new Date(Date.now() + made * INTERVAL_SECONDS * 1_000),
      stage,
      store: createStore(dependencies),
      observations: createObservationTable(dependencies),
      flink: connectFlink({ port: server.port }),
      flinkMetrics: connectFlinkMetrics({ port: server.port }),
      metrics: createMetrics({ stage: 'bench', write: (line) => lines.push(line) }),
    };
    // The first knows no rates and asks for names; the third has all that a pass has.
    while (made < 3) {
      await pass();
      await sleep(1_100);
    }
    table.taken();
    server.asked.length = 0;
    lines.length = 0;
    await pass();
    const [taken, flinkCalls, written] = [table.taken(), server.asked.length, [...lines]];
    const each: number[] = [];
    for (let index = 0; index < passes; index += 1) {
      const start = performance.now();
      await pass();
      each.push(performance.now() - start);
    }
    table.taken();
    await listObservedClusters(deps);
    return {
      vertices,
      flinkCalls,
      tableCalls: taken.calls,
      readUnits: taken.readUnits,
      writeUnits: taken.writeUnits,
      logBytes: written.reduce((sum, line) => sum + Buffer.byteLength(line) + LOG_EVENT_BYTES, PLATFORM_LOG_BYTES),
      metrics: written.reduce((sum, line) => sum + (JSON.parse(line)._aws.CloudWatchMetrics[0].Metrics as unknown[]).length, 0),
      medianMs: median(each),
      p95Ms: percentile(each, 0.95),
      listReadUnits: table.taken().readUnits,
    };
  } finally {
    server.close();
  }
};

/** CloudWatch Logs counts 26 bytes for each event beside its text. */
const LOG_EVENT_BYTES = 26;
/** Lambda's START, END and REPORT lines, and the pass's own. */
const PLATFORM_LOG_BYTES = 600;

const AT = '2026-01-01T00:00:00.000Z';
const aCluster = () =>
  cluster.parse({
    name: 'flights',
    spec: { name: 'flights', size: 'medium' },
    size: {
      instanceType: 'c6i.2xlarge',
      vcpus: 8,
      hostMemoryMiB: 16_384,
      architecture: 'x86_64',
      peakGbps: 12.5,
      stateVolume: { kind: 'gp3', sizeGB: 200 },
      jobManager: { instanceType: 'c6i.xlarge', memoryMiB: 8_192 },
      taskManagersPerHost: 2,
      taskManagerMemoryMiB: 5_461,
      slotsPerTaskManager: 8,
      taskManagers: { min: 2, max: 20 },
      defaultParallelism: 16,
      spareSlots: 16,
    },
    flinkVersion: '2.3.0',
    zone: 'us-east-1a',
    status: 'RUNNING',
    desired: 'RUNNING',
    epoch: 1,
    resources: { jobManagerAddress: '127.0.0.1' },
    statusReason: 'All slots are registered',
    createdAt: AT,
    updatedAt: AT,
  });

const aJob = () =>
  job.parse({
    cluster: 'flights',
    name: 'delays',
    spec: {
      name: 'delays',
      program: { kind: 'sql', uri: 's3://artifacts/delays.sql', sha256: 'a'.repeat(64) },
      parallelism: 4,
      flinkConfiguration: {},
      restore: {},
      scaling: {},
    },
    revision: 1,
    epoch: 1,
    flinkJobId: FLINK_JOB,
    status: 'RUNNING',
    desired: 'RUNNING',
    statusReason: 'All tasks run',
    createdAt: AT,
    updatedAt: AT,
  });
