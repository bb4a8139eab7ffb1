import type { Cluster } from '../../contracts/cluster';
import { Conflict, InvalidRequest } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { FailoverTrigger, Operation, OperationRequest } from '../../contracts/operation';
import { decideCapacity, hostLimits } from '../../domain/capacity';
import { copyNameOf, copyOf } from '../../domain/drill-copy';
import { leaseUntil } from '../../domain/lease';
import { takePlace } from '../clusters/accept-launch';
import { vcpusLeft } from '../clusters/share-quota';
import { slotDemands } from '../clusters/slot-demands';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { requireRunningCluster } from '../operations/in-the-way';
import { allJobs } from '../operations/owned';
import { targetOf } from './accept-failover';
import { shiftedAway } from './zones-in-trouble';

export interface CopyDrillWish {
  /** @default - the next zone that the cluster's placement allows */
  readonly zone?: string | undefined;
  /** What takes the place of the programs of these jobs, by name. SQL jobs need nothing. @throws InvalidRequest */
  readonly rehearsals: (running: ReadonlyMap<string, Job>) => Promise<Rehearsals>;
  readonly trigger: FailoverTrigger;
  /** Zones said to be impaired, besides those that AWS shifts traffic away from. */
  readonly impaired?: readonly string[];
}

export type Rehearsals = Extract<OperationRequest, { kind: 'drill-on-copy' }>['rehearsals'];

/**
 * Rehearses the loss of the cluster's zone on a copy, which is a cluster of its own with as many hosts as a move would ask for. Nothing of the cluster is held or changed.
 * @throws NotFound; InvalidRequest where a job cannot be rehearsed so, or none can; Conflict when the cluster does not run, its copy is there, or the stage is full
 */
export const acceptCopyDrill = (deps: AcceptDeps, change: ChangeRequest, name: string, wish: CopyDrillWish): Promise<Operation> =>
  accept(deps, change, async () => {
    const { store } = deps;
    const cluster = await requireRunningCluster(deps, name);
    const copy = copyNameOf(name);
    const previous = await store.cluster(copy);
    requireFreeName(cluster, previous);
    const impaired = [...new Set([...(wish.impaired ?? []), ...(await shiftedAway(deps)).map(({ zone }) => zone)])];
    const zone = targetOf(deps, cluster, wish.zone, impaired);
    const capacity = decideCapacity(await slotDemands(store, { cluster: name }, 'grow'), cluster.size);
    const hosts = capacity.action === 'provide' ? capacity.hosts : hostLimits(cluster.size).max;
    await requireQuota(deps, cluster, hosts);
    const rehearsals = await rehearsalsOf(deps, cluster, wish);
    const request: OperationRequest = { kind: 'drill-on-copy', copy, from: cluster.zone, zone, trigger: wish.trigger, rehearsals };
    const operation = newOperation(deps, change, name, undefined, request);
    const { operationId, requestedAt: at, deadline } = operation;
    const wanted = {
      epoch: (previous?.epoch ?? 0) + 1,
      zone,
      avoid: [...impaired, cluster.zone],
      hosts,
      lease: { operationId, acquiredAt: at, until: leaseUntil(deadline) },
      at,
    };
    return { operation, write: () => takePlace(deps, operation, copyOf(cluster, wanted)) };
  });

/** At the end of a drill all state below the copy's name is deleted: none of it may be that of a cluster which somebody had. */
const requireFreeName = ({ name }: Cluster, previous: Cluster | undefined): void => {
  if (!previous) return;
  if (previous.copyOf !== name)
    throw new Conflict(`The copy of ${name} would be called ${previous.name}, and that is the name of a cluster with state of its own`);
  if (previous.status === 'TERMINATED') return;
  const { lease } = previous;
  const wayOut = previous.status === 'FAILED' ? `; terminate ${previous.name} before the next drill` : '';
  throw new Conflict(
    `The copy of ${name} from an earlier drill is there still and is ${previous.status}${wayOut}`,
    lease && { operationId: lease.operationId, cluster: name },
  );
};

/** Jobs that are to grow come before a drill. @throws Conflict */
const requireQuota = async ({ store, stage }: AcceptDeps, { size }: Cluster, hosts: number): Promise<void> => {
  const left = await vcpusLeft(store, stage.limits.maxVcpus);
  if (left !== undefined && hosts * size.vcpus > left)
    throw new Conflict(
      `A copy needs ${hosts * size.vcpus} vCPUs, and ${Math.max(0, left)} of the stage's ${stage.limits.maxVcpus} are free (limits.maxVcpus)`,
    );
};

const rehearsalsOf = async ({ store }: AcceptDeps, { name }: Cluster, wish: CopyDrillWish): Promise<Rehearsals> => {
  const jobs = (await allJobs(store, name)).filter(({ status }) => status === 'RUNNING');
  const rehearsals = await wish.rehearsals(new Map(jobs.map((job) => [job.name, job])));
  if (jobs.some((job) => job.spec.program.kind === 'sql' || Object.hasOwn(rehearsals, job.name))) return rehearsals;
  const names = jobs.map((job) => job.name).join(', ');
  const message =
    jobs.length === 0
      ? `no job of ${name} runs`
      : `say how one of ${names} is run so that it writes nowhere: a jar writes where its arguments say`;
  throw new InvalidRequest([{ path: 'jobs', message }]);
};
