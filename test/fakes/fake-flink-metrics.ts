import { FlinkUnavailable } from '../../lambdas/contracts/errors';
import type { ClusterReading, FlinkMetricsPort, JobReading, VertexReading } from '../../lambdas/gateways/flink/metrics.port';

/** A vertex of parallelism 1 that was busy, backpressured and idle for so many ms since it began. */
export const vertexReading = (id: string, change: Partial<VertexReading> = {}): VertexReading => ({
  id,
  name: id,
  inputs: [],
  slotSharingGroup: 'default',
  parallelism: 1,
  maxParallelism: 128,
  complete: true,
  finished: false,
  recordsIn: 0,
  recordsOut: 0,
  busyMs: 0,
  backpressuredMs: 0,
  idleMs: 0,
  busy: { mean: 0, worst: 0 },
  backpressured: { mean: 0, worst: 0 },
  idle: { mean: 0, worst: 0 },
  subtaskRate: { mean: 0, worst: 0 },
  inputWatermark: null,
  outputWatermark: null,
  ...change,
});

export const jobReading = (vertices: readonly VertexReading[], change: Partial<JobReading> = {}): JobReading => ({
  state: 'RUNNING',
  restarts: 0,
  checkpoints: { failures: 0, consecutiveFailures: 0 },
  vertices,
  sources: {},
  ...change,
});

export const clusterReading = (change: Partial<ClusterReading> = {}): ClusterReading => ({
  taskManagers: 1,
  taskManagerIds: ['i-1-1'],
  slotsTotal: 4,
  slotsFree: 2,
  cpuLoad: 0.5,
  cpuMean: 0.5,
  heapUsed: 0.4,
  gcShare: 0.01,
  jobs: [],
  ...change,
});

/** A JobManager whose figures are set by hand. */
export class FakeFlinkMetrics implements FlinkMetricsPort {
  reachable = true;
  /** It answers that nobody leads yet. */
  recovering = false;
  seen: Omit<ClusterReading, 'jobs'> = clusterReading();
  readonly jobs = new Map<string, JobReading | Error>();

  async cluster(): Promise<ClusterReading> {
    if (!this.reachable) throw new FlinkUnavailable('GET /overview: no answer');
    if (this.recovering) throw new FlinkUnavailable('GET /overview: answered 503', { answered: true });
    const jobs = [...this.jobs].map(([flinkJobId, reading]) => ({
      flinkJobId,
      state: reading instanceof Error ? ('RUNNING' as const) : reading.state,
    }));
    return { ...this.seen, jobs };
  }

  async job(flinkJobId: string): Promise<JobReading | undefined> {
    const reading = this.jobs.get(flinkJobId);
    if (reading instanceof Error) throw reading;
    return reading;
  }
}
