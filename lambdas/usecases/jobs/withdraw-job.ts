import type { Operation } from '../../contracts/operation';
import type { Awaited_, WithdrawJobInput } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { mayStillAppear } from '../../domain/start-asked';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, ownJob } from '../operations/owned';

/** Takes away what a start left in Flink: the job of that epoch, if there is one or one may still come, and then its jar. Ready when both are gone. */
export const withdrawJob = async (deps: FlinkDeps, operation: Operation, input: WithdrawJobInput): Promise<Awaited_> => {
  const { cluster, job } = await ownJob(deps, operation, 'cleaning');
  // A cluster that is taken away takes its jobs with it, and its JobManager may not answer any more.
  if (cluster.desired === 'TERMINATED') return { ready: true, reason: 'The cluster is to be terminated, the job with it' };
  const flink = connect(deps.flink, cluster);
  const seen = job.epoch === input.epoch ? await flink.job(job.flinkJobId) : undefined;
  if (seen && !isFinal(seen.state)) {
    await flink.cancel(job.flinkJobId);
    return { ready: false, reason: `Epoch ${input.epoch} is being canceled (${seen.state})` };
  }
  if (job.epoch === input.epoch && job.startAsked !== undefined) {
    if (!seen && mayStillAppear(job, deps.clock().toISOString()))
      return { ready: false, reason: 'Flink may not have answered a start that it is still working on' };
    // From here on it is known: nothing of this epoch runs.
    await deps.store.updateJob(job.cluster, job.name, operation.operationId, { startAsked: undefined });
  }
  // Two where the start had to upload it again.
  for (const jarId of new Set([input.jarId, job.epoch === input.epoch ? (job.jarId ?? null) : null])) await deleteJar(flink, jarId);
  return { ready: true, reason: seen ? `Epoch ${input.epoch} is ${seen.state}` : `Flink has no job of epoch ${input.epoch}` };
};

const deleteJar = async (flink: FlinkPort, jarId: string | null): Promise<void> => {
  if (jarId !== null) await flink.deleteJar(jarId);
};
