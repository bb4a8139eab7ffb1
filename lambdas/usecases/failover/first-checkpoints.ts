import type { Cluster } from '../../contracts/cluster';
import { JobFailed } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_, TaskInput } from '../../contracts/workflow';
import { type OperatorState, readCheckpointMetadata, UnreadableMetadata } from '../../domain/checkpoint-metadata';
import { FIRST_RECORD } from '../../domain/failover-report';
import { isOfEpoch } from '../../domain/flink-job-id';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { allJobs, connect, type FlinkDeps, ownCluster } from '../operations/owned';

type FirstCheckpointsDeps = FlinkDeps & { readonly artifacts: ArtifactsPort };

/** A job whose checkpoints are further apart is handed over without having been seen to complete one. Seconds. */
const PATIENCE_SECONDS = 60;
/** A job that has nothing to read processes no record; nobody waits for it for long. Seconds. */
const RECORD_SECONDS = 20;

/**
 * Whether every job that runs has processed a record and completed a checkpoint on the new hosts: from the first on its results are there again, from the
 * second on nothing has to be processed a second time for the old ones. The cluster is in its users' hands meanwhile.
 */
export const firstCheckpoints = async (deps: FirstCheckpointsDeps, operation: Operation, input: TaskInput): Promise<Awaited_> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const all = await allJobs(deps.store, cluster.name);
  const jobs = all.filter(({ status }) => status === 'RUNNING');
  const since = operation.phases.find(({ name }) => name === input.phase)?.startedAt;
  const waited = since === undefined ? 0 : (deps.clock().getTime() - Date.parse(since)) / 1_000;
  const [still, without] = await Promise.all([
    operation.phases.some(({ name }) => name === FIRST_RECORD) ? [] : silentOf(jobs, async (id) => (await flink.job(id))?.hasProcessed),
    silentOf(jobs, async (id) => ((await flink.checkpoints(id))?.completed ?? 0) > 0),
  ]);
  if (still.length === 0) await recordFirst(deps, operation, jobs);
  const waits = [
    ...(still.length > 0 ? [`${still.join(', ')} without a record`] : []),
    ...(without.length > 0 ? [`${without.join(', ')} without a checkpoint`] : []),
  ].join('; ');
  const ready = waits === '' || waited >= PATIENCE_SECONDS || (without.length === 0 && waited >= RECORD_SECONDS);
  if (ready && cluster.copyOf !== undefined) {
    for (const job of jobs) await recordStateNotTaken(deps, flink, operation, job);
    requireNoneFailed(cluster, all);
  }
  if (waits === '') return { ready: true, reason: `${jobs.length} jobs have processed a record and completed a checkpoint` };
  return { ready, reason: ready ? `${waits} after ${Math.round(waited)} s` : waits };
};

/**
 * Flink drops state that no operator of the program has the id for, and says so to nobody. That of sinks is meant to go; where other operators lose theirs, the drill has
 * not shown what a move would do.
 */
const recordStateNotTaken = async (
  { artifacts, store }: FirstCheckpointsDeps,
  flink: FlinkPort,
  { operationId }: Operation,
  { cluster, name, flinkJobId, restoredFrom, rehearsed }: Job,
): Promise<void> => {
  const first = (await flink.checkpoints(flinkJobId))?.latestCompleted?.location;
  if (restoredFrom === undefined || first === undefined || rehearsed === undefined) return;
  const [before, after] = await Promise.all([operatorsIn(artifacts, restoredFrom), operatorsIn(artifacts, first)]);
  if (!before || !after) return;
  const there = new Set(after.map(({ id }) => id));
  const stateNotTaken = before
    .filter(({ id, sizeBytes }) => sizeBytes > 0 && !there.has(id))
    .map(({ id, name: operator, sizeBytes }) => `${operator || id} (${sizeBytes} bytes)`);
  if (stateNotTaken.length > 0) await store.updateJob(cluster, name, operationId, { rehearsed: { ...rehearsed, stateNotTaken } });
};

/** undefined: the metadata is gone, or cannot be read. */
const operatorsIn = async (artifacts: ArtifactsPort, location: string): Promise<readonly OperatorState[] | undefined> => {
  const bytes = await artifacts.read(`${location.replace(/\/+$/, '')}/_metadata`);
  try {
    return bytes && readCheckpointMetadata(bytes).operators;
  } catch (error) {
    if (!(error instanceof UnreadableMetadata)) throw error;
    return undefined;
  }
};

/** A drill has to say of a job that would not have come back. @throws JobFailed */
const requireNoneFailed = (copy: Cluster, jobs: readonly Job[]): void => {
  const failed = jobs.filter((job) => job.status === 'FAILED' && isOfEpoch(copy, job));
  if (failed.length > 0)
    throw new JobFailed(failed.map(({ name, statusReason }) => `${name} did not come back: ${statusReason}`).join('; '));
};

/** Names of the jobs of which this does not hold. */
const silentOf = async (jobs: readonly Job[], holds: (flinkJobId: string) => Promise<boolean | undefined>): Promise<readonly string[]> =>
  (await Promise.all(jobs.map(async ({ name, flinkJobId }) => ((await holds(flinkJobId)) ? [] : [name])))).flat();

/** A phase of its own, for the report: it is over the moment it is seen. */
const recordFirst = async ({ store, clock }: FlinkDeps, operation: Operation, jobs: readonly Job[]): Promise<void> => {
  if (jobs.length === 0 || operation.phases.some(({ name }) => name === FIRST_RECORD)) return;
  const at = clock().toISOString();
  const reason = `${jobs.length} jobs were seen to process records`;
  await store.recordPhase(operation.operationId, { name: FIRST_RECORD, startedAt: at, endedAt: at, outcome: 'ok', reason });
};
