import type { Operation } from '../../contracts/operation';
import type { Awaited_, ObserveDrainInput } from '../../contracts/workflow';
import { decideJobProgress, isFinal } from '../../domain/decide-job-progress';
import { allJobs, connect, type FlinkDeps, notYet, ownTarget } from '../operations/owned';

/** Whether the hosts' TaskManagers have left Flink and every job runs on the others, with all its tasks and at its own parallelism. */
export const observeDrain = async (deps: FlinkDeps, operation: Operation, { hosts }: ObserveDrainInput): Promise<Awaited_> => {
  const flink = connect(deps.flink, await ownTarget(deps, operation));
  const leaving = new Set(hosts.flatMap(({ addresses }) => addresses));
  const still = (await flink.listTaskManagers()).filter(({ address }) => leaving.has(address));
  if (still.length > 0) return notYet(operation, deps.clock, `${still.length} TaskManagers of the hosts to be emptied have not left`);
  const wanted = new Map((await allJobs(deps.store, operation.cluster)).map((job) => [job.flinkJobId, job.spec.parallelism]));
  const jobs = (await flink.jobs()).filter(({ state }) => !isFinal(state));
  for (const { flinkJobId, name } of jobs) {
    const parallelism = wanted.get(flinkJobId);
    const { action, reason } = decideJobProgress(await flink.job(flinkJobId), parallelism === undefined ? {} : { parallelism });
    // A job that has ended meanwhile has no tasks that must run.
    if (action === 'wait') return notYet(operation, deps.clock, `${name}: ${reason}`);
  }
  return { ready: true, reason: `The hosts are empty; ${jobs.length} job${jobs.length === 1 ? ' runs' : 's run'} on the others` };
};
