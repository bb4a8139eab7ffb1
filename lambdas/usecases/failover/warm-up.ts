import { JobRejected } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { Awaited_ } from '../../contracts/workflow';
import { slotsPerHost } from '../../domain/capacity';
import { isFinal } from '../../domain/decide-job-progress';
import { shorten } from '../../domain/describe-failure';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import { recoveryPrefix } from '../../domain/state-paths';
import type { FlinkJobSeen } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, ownTarget } from '../operations/owned';

export type WarmUpDeps = FlinkDeps & { readonly stage: Pick<Stage, 'stateBucket'> };

/** No job of a user may have this name. */
export const WARM_UP = '#warm-up';
/** It takes some five seconds; a process that has not run it by then is no better for more of it. */
const LONGEST_SECONDS = 60;

/**
 * Has every slot of a reserve run a job once, before a move may come: Java loads and compiles what the start of the next one takes. It is also seen to work: a job runs
 * there, and completes checkpoints in S3. Ready when it has ended, however; a reserve whose warm-up failed is still the nearest hosts there are, and says so.
 */
export const warmUp = async (deps: WarmUpDeps, operation: Operation): Promise<Awaited_> => {
  const cluster = await ownTarget(deps, operation);
  const { name, epoch, size } = cluster;
  const { request } = operation;
  if (request.kind !== 'prepare-reserve') throw new Error(`${operation.kind} has no reserve`);
  const flink = connect(deps.flink, cluster);
  const flinkJobId = flinkJobIdOf({ cluster: name, clusterEpoch: epoch, job: WARM_UP, jobEpoch: 1 });
  const seen = await flink.job(flinkJobId);
  if (seen && isFinal(seen.state)) return { ready: true, reason: await resultOf(flink, flinkJobId, seen) };
  if (seen) {
    const seconds = (deps.clock().getTime() - Date.parse(seen.startedAt)) / 1_000;
    if (seconds > LONGEST_SECONDS) await flink.cancel(flinkJobId);
    return { ready: false, reason: `${seen.tasks.running + seen.tasks.finished} of ${seen.tasks.total} tasks of the warm-up run` };
  }
  const slots = request.hosts * slotsPerHost(size);
  try {
    await flink.runWarmUp({
      flinkJobId,
      jobName: WARM_UP,
      parallelism: slots,
      flinkConfiguration: {
        // Goes with what the epoch's JobManager keeps.
        'execution.checkpointing.dir': `s3://${deps.stage.stateBucket}/${recoveryPrefix(name, epoch)}/warm-up`,
        'execution.checkpointing.interval': '500 ms',
        'execution.checkpointing.min-pause': '0 ms',
        'restart-strategy.type': 'none',
      },
    });
  } catch (error) {
    // Such as a Flink image from before there was one.
    if (!(error instanceof JobRejected)) throw error;
    return { ready: true, reason: `It could not be warmed up: ${shorten(error.message, 300)}` };
  }
  return { ready: false, reason: `A job was started on its ${slots} slots` };
};

const resultOf = async (flink: ReturnType<typeof connect>, flinkJobId: string, seen: FlinkJobSeen): Promise<string> => {
  if (seen.state !== 'FINISHED')
    return `Its warm-up has ${seen.state}${seen.failure === undefined ? '' : `: ${shorten(seen.failure, 300)}`}`;
  const { completed } = (await flink.checkpoints(flinkJobId)) ?? { completed: 0 };
  return `A job has run on all slots, with ${completed} checkpoint${completed === 1 ? '' : 's'}`;
};
