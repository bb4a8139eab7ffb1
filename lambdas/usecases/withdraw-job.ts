import type { Operation } from '../contracts/operation';
import type { Awaited_, WithdrawJobInput } from '../contracts/workflow';
import { isFinal } from '../domain/decide-job-progress';
import type { FlinkPort } from '../gateways/flink/flink.port';
import { connect, type FlinkDeps, ownJob } from './owned';

/** Errors after which nobody knows whether Flink got the request to start the job. */
const UNCERTAIN = /^(FlinkUnavailable|States\.Timeout|Sandbox\.|Lambda\.|Runtime\.)/;
/** A start whose answer was lost shows as a job within this time, seconds: Flink builds the graph before it makes the job. */
const LATE_START_SECONDS = 20;

/** Takes away what a start left in Flink: the job of that epoch, if there is one, and then its jar. Ready when both are gone. */
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
  if (!seen && job.epoch === input.epoch && mayStillAppear(deps, operation, input))
    return { ready: false, reason: 'Flink may not have answered a start that it is still working on' };
  await deleteJar(flink, input.jarId);
  return { ready: true, reason: seen ? `Epoch ${input.epoch} is ${seen.state}` : `Flink has no job of epoch ${input.epoch}` };
};

const mayStillAppear = ({ clock }: FlinkDeps, operation: Operation, { error, phase }: WithdrawJobInput): boolean => {
  if (!UNCERTAIN.test(error?.Error ?? '')) return false;
  const last = operation.phases
    .filter(({ name }) => name !== phase)
    .map(({ startedAt, endedAt }) => endedAt ?? startedAt)
    .sort()
    .at(-1);
  return last !== undefined && clock().getTime() - Date.parse(last) < LATE_START_SECONDS * 1_000;
};

const deleteJar = async (flink: FlinkPort, jarId: string | null): Promise<void> => {
  if (jarId !== null) await flink.deleteJar(jarId);
};
