import type { Operation } from '../contracts/operation';
import type { Awaited_, TaskInput } from '../contracts/workflow';
import { allJobs, connect, type FlinkDeps, ownCluster } from './owned';

/** A job whose checkpoints are further apart is handed over without having been seen to complete one. Seconds. */
const PATIENCE_SECONDS = 60;

/** Whether every job that runs has completed a checkpoint on the new hosts: from then on nothing has to be processed a second time for the old ones. */
export const firstCheckpoints = async (deps: FlinkDeps, operation: Operation, input: TaskInput): Promise<Awaited_> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const jobs = (await allJobs(deps.store, cluster.name)).filter(({ status }) => status === 'RUNNING');
  const without = (
    await Promise.all(jobs.map(async ({ name, flinkJobId }) => ((await flink.checkpoints(flinkJobId))?.completed ? [] : [name])))
  ).flat();
  if (without.length === 0) return { ready: true, reason: `${jobs.length} jobs have completed a checkpoint` };
  const since = operation.phases.find(({ name }) => name === input.phase)?.startedAt;
  const waited = since === undefined ? 0 : (deps.clock().getTime() - Date.parse(since)) / 1_000;
  const reason = `${without.join(', ')} without a checkpoint`;
  return { ready: waited >= PATIENCE_SECONDS, reason: waited >= PATIENCE_SECONDS ? `${reason} after ${Math.round(waited)} s` : reason };
};
