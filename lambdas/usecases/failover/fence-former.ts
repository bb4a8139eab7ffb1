import type { Cluster } from '../../contracts/cluster';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { FenceAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { fenceKey } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { fleetSpecOf } from '../clusters/fleet-spec';
import { endWithItsHosts, interruptedJobs } from '../operations/interrupted-jobs';
import { ownCluster, type StoreDeps } from '../operations/owned';

/** Each earlier epoch as a cluster of its own: what it owns, under its own names. The oldest first. */
export const formerClusters = (cluster: Cluster): readonly Cluster[] =>
  (cluster.former ?? []).map(({ epoch, zone, resources }) => ({ ...cluster, epoch, zone, resources }));

/** From here on there is no way back to earlier epochs, which whoever goes on with this operation's work has to know. */
export const leaveFormer = async (
  { store, clock }: StoreDeps & { readonly clock: Clock },
  operation: Operation,
  cluster: Cluster,
): Promise<Cluster> => {
  const { former = [] } = cluster;
  if (former.every(({ leftAt }) => leftAt !== undefined)) return cluster;
  const leftAt = clock().toISOString();
  return store.updateCluster(cluster.name, operation.operationId, { former: former.map((one) => ({ leftAt, ...one })) });
};

export interface FenceDeps extends StoreDeps {
  readonly clock: Clock;
  readonly fleet: Pick<FleetPort, 'fence'>;
  readonly artifacts: Pick<ArtifactsPort, 'putText'>;
  readonly stage: Pick<Stage, 'stateBucket'>;
}

/** A JobManager looks for the fence in S3 at most a second before it enters a checkpoint, or lets a savepoint be complete. */
const SETTLE_SECONDS = 1;
/**
 * A JobManager from before that looks for none before a savepoint, by which its job stops and commits: what ends that is the denial of its role, which IAM spreads within seconds
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html names no number; twice what was seen).
 */
const STOP_SETTLE_SECONDS = 10;

/**
 * Cuts off all hosts of earlier epochs, before any job of the new one is started: once it has settled none of them can complete a checkpoint or savepoint, and with
 * that none can commit. A JobManager that can still reach S3 finds its fence there within a second, ends, and deletes no checkpoint that a job is restored
 * from. Jobs that were to be canceled are, by that.
 */
export const fenceFormer = async (deps: FenceDeps, operation: Operation): Promise<FenceAnswer> => {
  const cluster = await leaveFormer(deps, operation, await ownCluster(deps, operation));
  const former = formerClusters({ ...cluster, former: (cluster.former ?? []).filter(({ fencedAt }) => fencedAt === undefined) });
  const at = deps.clock().toISOString();
  const says = `${JSON.stringify({ operation: operation.operationId, epoch: cluster.epoch, at })}\n`;
  // S3 first: it counts for all who read it from now on, and IAM takes seconds to spread what it takes.
  await Promise.all(former.map(({ epoch }) => deps.artifacts.putText(deps.stage.stateBucket, fenceKey(cluster.name, epoch), says)));
  const answers = await Promise.all(former.map((one) => deps.fleet.fence(fleetSpecOf(one), one.resources)));
  const fenced = (cluster.former ?? []).map((one) => ({ fencedAt: at, ...one }));
  await deps.store.updateCluster(cluster.name, operation.operationId, { former: fenced });
  const jobs = await interruptedJobs(deps.store, operation);
  for (const job of jobs.filter(({ desired }) => desired === 'STOPPED')) await endWithItsHosts(deps.store, operation, job);
  const stopping = jobs.filter(({ stopAskedBy, interrupted }) => stopAskedBy !== undefined && interrupted.savepoint === undefined);
  const names = stopping.map(({ name }) => name).join(', ');
  const settleSeconds = stopping.length > 0 ? STOP_SETTLE_SECONDS : SETTLE_SECONDS;
  const waits =
    names === ''
      ? ''
      : `; the savepoint that ${names} was asked to stop with may still be on its way, so ${settleSeconds} s pass before state is chosen`;
  const epochs = former.map(({ epoch }) => epoch).join(', ');
  const [kept] = answers.flatMap(({ roleKept }) => roleKept ?? []);
  const why =
    kept === undefined
      ? ''
      : `. IAM did not take away their rights (${kept}), so a JobManager that lives on is stopped by its fence in S3 alone until their role is deleted`;
  return { settleSeconds, reason: `Hosts of epoch ${epochs} are cut off and being ended${waits}${why}` };
};
