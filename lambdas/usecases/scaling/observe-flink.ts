import type { Cluster } from '../../contracts/cluster';
import { FlinkUnavailable } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { JobRecord } from '../../contracts/observation';
import type { PassMade, ToConsider } from '../../contracts/observer';
import type { PastRescale } from '../../contracts/scaling';
import type { Stage } from '../../contracts/stage';
import { type FaultSeen, faultAfter, isFaultLasting } from '../../domain/cluster-fault';
import { isFinal } from '../../domain/decide-job-progress';
import { shorten } from '../../domain/describe-failure';
import { isJobOver, statusSeen } from '../../domain/job-lifecycle';
import { jobManagerAddresses } from '../../domain/job-managers';
import { everySeconds } from '../../domain/observation/every-seconds';
import { clusterFigures, jobFigures, vertexFigures } from '../../domain/observation/figures';
import { isTooSoon, type Observed, observeReading, withHostLoad } from '../../domain/observation/observe';
import { effectDue, whyConsider } from '../../domain/observation/what-follows';
import { decideScaling, NOTHING_KNOWN } from '../../domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../domain/scaling/decision';
import { forecastFrom } from '../../domain/scaling/forecast-from';
import { settingsOf } from '../../domain/scaling/settings';
import type { MetricsPort } from '../../gateways/aws/metrics.port';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import type { ClusterReading, FlinkMetricsConnector, FlinkMetricsPort } from '../../gateways/flink/metrics.port';
import { recordEnd } from '../jobs/record-jobs';
import { heldLease } from '../operations/in-the-way';
import { allJobs, connect, type FlinkDeps } from '../operations/owned';

export interface ObserveDeps extends FlinkDeps {
  readonly observations: Omit<ObservationStorePort, 'putDecision' | 'decision'>;
  readonly flinkMetrics: FlinkMetricsConnector;
  readonly metrics: MetricsPort;
  readonly stage: Pick<Stage, 'observation'>;
}

/** A forecast compares with the same day of two weeks ago at most. */
const FORECAST_DAYS = 15;

interface Pass {
  readonly deps: ObserveDeps;
  readonly cluster: Cluster;
  readonly reading: ClusterReading;
  readonly flinkMetrics: FlinkMetricsPort;
}

/**
 * One pass over a cluster: reads its Flink once, publishes what was seen, keeps it for the next pass, and says for which jobs a decision has to be
 * made. Of a job it stores only what Flink shows, and it changes no host. What fails for one job is said, and does not keep the others from being observed.
 */
export const observeFlink = async (deps: ObserveDeps, name: string): Promise<PassMade> => {
  const cluster = await deps.store.cluster(name);
  const addresses = cluster ? jobManagerAddresses(cluster.resources) : [];
  if (cluster?.status !== 'RUNNING' || cluster.desired !== 'RUNNING' || addresses.length === 0)
    return { cluster: name, consider: [], considerFailover: false, idle: true, reason: `Cluster ${name} does not run` };
  const flinkMetrics = deps.flinkMetrics(addresses);
  // Flink's first: it makes the JobManager fetch new figures, which come while the table is read.
  const [answer, jobs, records] = await Promise.all([
    orAway(flinkMetrics.cluster().then((seen) => withHostLoad(seen, cluster.size.taskManagersPerHost))),
    allJobs(deps.store, name),
    deps.observations.latestOf(name),
  ]);
  const reading = answer instanceof FlinkUnavailable ? undefined : answer;
  const current = jobs.filter((job) => !isJobOver(job.status) || isBack(job, reading));
  const idle = current.length === 0;
  const publish = (heapAfterGc: number | null) =>
    deps.metrics.publish([clusterFigures(name, reading, heapAfterGc, deps.clock().toISOString(), idle)], everySeconds(deps, cluster));
  const considerFailover = await recordFault(deps, cluster, faultIn(answer));
  if (!reading) {
    publish(null);
    return { cluster: name, consider: [], considerFailover, idle: false, reason: whyUnread(answer) };
  }
  const pass: Pass = { deps, cluster, reading, flinkMetrics };
  const failures: string[] = [];
  const outcomes = await Promise.all(
    current.map((job) =>
      observeJob(
        pass,
        job,
        records.find((record) => record.job === job.name),
      ).catch((error: unknown) => {
        failures.push(`${job.name}: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }),
    ),
  );
  const seen = outcomes.flatMap((outcome) => outcome ?? []);
  publish(seen.map(({ heapAfterGc }) => heapAfterGc).find((share) => share !== null) ?? null);
  const consider = seen.flatMap((outcome) => outcome.consider ?? []);
  const reason = `${seen.length} jobs observed${failures.length > 0 ? `; not observed: ${failures.join('; ')}` : ''}`;
  return { cluster: name, consider, considerFailover, idle: idle && !considerFailover, reason: shorten(reason, 1_000) };
};

const whyUnread = (answer: ClusterReading | FlinkUnavailable): string =>
  answer instanceof FlinkUnavailable && answer.answered
    ? shorten(`The JobManager is not well: ${answer.message}`, 1_000)
    : 'The JobManager did not answer';

/** A JobManager that came back may not show a job for a moment; where an operation ended just then, a job that runs is stored as failed. */
const isBack = ({ status, desired, flinkJobId }: Job, reading: ClusterReading | undefined): boolean =>
  status === 'FAILED' &&
  desired === 'RUNNING' &&
  (reading?.jobs ?? []).some((listed) => listed.flinkJobId === flinkJobId && !isFinal(listed.state));

const faultIn = (answer: ClusterReading | FlinkUnavailable): FaultSeen | undefined => {
  if (answer instanceof FlinkUnavailable) return { kind: 'jobmanager-unreachable', ...(answer.answered ? {} : { silent: true }) };
  return answer.taskManagers === 0 ? { kind: 'members-lost' } : undefined;
};

/** Keeps since when something is wrong with the cluster. True when it has lasted so long that its hosts have to be looked at. */
const recordFault = async ({ store, clock }: ObserveDeps, cluster: Cluster, seen: FaultSeen | undefined): Promise<boolean> => {
  if (seen === undefined && cluster.fault === undefined) return false;
  const now = clock().toISOString();
  const fault = faultAfter(cluster.fault, seen, cluster.epoch, now);
  return (await store.recordFault(cluster.name, cluster.epoch, fault)) && isFaultLasting(fault, now);
};

const orAway = async (reading: Promise<ClusterReading>): Promise<ClusterReading | FlinkUnavailable> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof FlinkUnavailable) return error;
    throw error;
  }
};

interface Outcome {
  readonly heapAfterGc: number | null;
  readonly consider?: ToConsider;
}

const observeJob = async (pass: Pass, job: Job, latest: JobRecord | undefined): Promise<Outcome | undefined> => {
  const { deps, reading, cluster, flinkMetrics } = pass;
  await recordStatus(pass, job, latest);
  const listed = reading.jobs.find(({ flinkJobId }) => flinkJobId === job.flinkJobId);
  if (!listed || isFinal(listed.state)) return undefined;
  // What an earlier start of the job counted has nothing to do with this one.
  const previous = latest?.jobEpoch === job.epoch && latest.flinkJobId === job.flinkJobId ? latest : undefined;
  if (previous && isTooSoon(previous.observedAt, deps.clock().toISOString(), everySeconds(deps, cluster))) return undefined;
  const figures = await flinkMetrics.job(job.flinkJobId, previous?.counters.sources ?? {});
  if (!figures) return undefined;
  const now = deps.clock().toISOString();
  const observed = observeReading({ cluster: job.cluster, job: job.name }, figures, reading, previous?.counters, now);
  const forecast = await nextForecast(deps, job, latest, now);
  const history = job.spec.scaling ? await deps.observations.history(job.cluster, job.name) : [];
  const decision = decide(pass, job, observed, previous, history, forecast, now);
  const record: JobRecord = {
    cluster: job.cluster,
    job: job.name,
    jobEpoch: job.epoch,
    flinkJobId: job.flinkJobId,
    observedAt: now,
    observation: observed.observation,
    counters: observed.counters,
    scalingState: decision?.nextState ?? NOTHING_KNOWN,
    forecast: [...forecast],
    ...(decision ? { decision: summaryOf(decision) } : {}),
  };
  const outcome = { heapAfterGc: observed.observation.taskManagers.heapAfterGcShare };
  // Another pass was faster: what it published is not published twice, and what follows from it was said by it.
  if (!(await deps.observations.put(record, latest?.observedAt))) return outcome;
  const lines = [jobFigures(observed, decision?.inputs.desired), ...(deps.stage.observation.perVertex ? vertexFigures(observed) : [])];
  deps.metrics.publish(lines, everySeconds(deps, cluster));
  if (!decision || !job.spec.scaling) return outcome;
  await measureLast(deps, job, history, observed, decision);
  const trigger = job.spec.scaling.enabled && !heldLease(job.lease, deps.clock) ? whyConsider(decision, job.alarms ?? {}) : null;
  return trigger === null ? outcome : { ...outcome, consider: { cluster: job.cluster, job: job.name, trigger } };
};

/** Stores what Flink shows, when it differs from what is stored and no operation is changing the job. */
const recordStatus = async ({ deps, cluster, reading }: Pass, job: Job, latest: JobRecord | undefined): Promise<void> => {
  if (heldLease(job.lease, deps.clock)) return;
  const listed = reading.jobs.find(({ flinkJobId }) => flinkJobId === job.flinkJobId);
  if (!listed) {
    await recordEnd(deps, cluster, job, await connect(deps.flink, cluster).job(job.flinkJobId));
    return;
  }
  const runsAsStored = listed.state === 'RUNNING' && latest?.observation.state === 'RUNNING' && job.status === 'RUNNING';
  if (runsAsStored) return;
  const seen = await connect(deps.flink, cluster).job(job.flinkJobId);
  if (isFinal(listed.state)) {
    await recordEnd(deps, cluster, job, seen);
    return;
  }
  const { status, statusReason } = statusSeen(seen);
  if (seen && (status !== job.status || statusReason !== job.statusReason))
    await deps.store.recordJobSeen(job.cluster, job.name, job.epoch, { status, statusReason });
};

/** A forecast lasts ten minutes; when they are over, the highest rate of the ten before is kept and the next forecast is made. */
const nextForecast = async (
  { observations }: ObserveDeps,
  { cluster, name, spec }: Job,
  latest: JobRecord | undefined,
  now: string,
): Promise<JobRecord['forecast']> => {
  const peak = latest?.counters.peak;
  if (!latest || !peak) return latest?.forecast ?? [];
  if (Date.parse(now) - Date.parse(peak.from) < 600_000) return latest.forecast;
  await observations.recordLoad(cluster, name, peak);
  return spec.scaling ? forecastFrom(await observations.load(cluster, name, FORECAST_DAYS), now) : [];
};

const decide = (
  { cluster, reading }: Pass,
  { spec }: Job,
  { observation }: Observed,
  previous: JobRecord | undefined,
  history: readonly PastRescale[],
  forecast: JobRecord['forecast'],
  now: string,
): ScalingDecision | undefined => {
  if (!spec.scaling) return undefined;
  const { taskManagers, slotsPerTaskManager } = cluster.size;
  const slotsAddable = Math.max(0, taskManagers.max * slotsPerTaskManager - reading.slotsTotal);
  const fleet = { slotsFree: reading.slotsFree, slotsAddable, dollarsPerHour: 0, dollarsPerSlotHour: 0 };
  const state = previous?.scalingState ?? NOTHING_KNOWN;
  return decideScaling({ job: observation, fleet, state, history: [...history], forecast }, settingsOf(spec.scaling, cluster.size), now);
};

const summaryOf = ({ action, reason, inputs }: ScalingDecision): NonNullable<JobRecord['decision']> => ({
  kind: action.kind,
  ...(action.kind === 'rescale' ? { direction: action.direction } : {}),
  reason,
  at: inputs.now,
});

/** What the last rescale really gave, once the job has run with it for a while. */
const measureLast = async (
  { observations }: ObserveDeps,
  { cluster, name }: Job,
  history: readonly PastRescale[],
  { observation }: Observed,
  { inputs }: ScalingDecision,
): Promise<void> => {
  const last = history.at(-1);
  const measured = effectDue(last, observation, inputs.desired);
  if (last && measured) await observations.markRescale(cluster, name, last.at, { measured: { ...measured, at: observation.observedAt } });
};
