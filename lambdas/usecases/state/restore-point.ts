import type { Cluster } from '../../contracts/cluster';
import { ArtifactMissing } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import { decideRestorePoint, rankStates, type Verdict } from '../../domain/choose-restore-point';
import { stateChecker } from './check-state';
import { type FindStatesDeps, findStates, parentOf } from './find-states';

export interface RestorePoint {
  /** undefined: without state. */
  readonly location: string | undefined;
  /** When it was complete, where that is known. ISO 8601 */
  readonly completedAt?: string | undefined;
  readonly reason: string;
}

/**
 * Resolves a job's restore policy. `latest` is what `findRestorePoint` finds.
 * @throws ArtifactMissing when there was state and none of it can be restored: starting without it has to be asked for
 */
export const chooseRestorePoint = async (deps: FindStatesDeps, cluster: Cluster, job: Job): Promise<RestorePoint> => {
  const { restore } = job.spec;
  if (restore.from === 'none') return { location: undefined, reason: 'without state, as asked' };
  if (restore.savepoint === undefined) return findRestorePoint(deps, cluster, job);
  const verdict = await stateChecker(deps.artifacts)(restore.savepoint);
  if (verdict.state === 'broken') throw new ArtifactMissing(`the job cannot be restored from ${restore.savepoint}: ${verdict.reason}`);
  return { location: restore.savepoint, reason: `from ${restore.savepoint}, as asked` };
};

/**
 * The latest state of a job that is whole: of all checkpoints and savepoints that Flink, the table and S3 know, over all starts, the first in
 * the order of `rankStates` whose `_metadata` can be read and whose files are all there. Why a newer one is passed over is in the reason.
 * @throws ArtifactMissing when there was state and none of it is whole
 */
export const findRestorePoint = async (deps: FindStatesDeps, cluster: Cluster, job: Job): Promise<RestorePoint> => {
  const { found, notes } = await findStates(deps, cluster, job);
  const { epoch, fromNothingAt, spec } = job;
  const lineage = { epoch, restoredFrom: parentOf(job), fromNothing: spec.restore.from === 'none', fromNothingAt };
  const ranked = rankStates(found, lineage);
  const check = stateChecker(deps.artifacts);
  const verdicts = new Map<string, Verdict>();
  for (;;) {
    const decision = decideRestorePoint(ranked, verdicts, lineage);
    const reason = [decision.reason, ...notes].join('; ');
    switch (decision.action) {
      case 'check':
        verdicts.set(decision.state.location, await check(decision.state.location));
        break;
      case 'restore':
        return { location: decision.state.location, completedAt: decision.state.completedAt, reason };
      case 'start-empty':
        return { location: undefined, reason: decision.reason };
      case 'refuse':
        throw new ArtifactMissing(reason);
    }
  }
};
