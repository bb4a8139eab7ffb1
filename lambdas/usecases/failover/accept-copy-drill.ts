import type { DrillBody } from '../../contracts/api';
import type { Cluster } from '../../contracts/cluster';
import { Conflict, type FieldProblem, InvalidRequest } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { FailoverTrigger, Operation, OperationRequest } from '../../contracts/operation';
import { decideCapacity, hostLimits } from '../../domain/capacity';
import { copyNameOf, copyOf } from '../../domain/drill-copy';
import { leaseUntil } from '../../domain/lease';
import { tooLarge } from '../../domain/spec-limit';
import { rehearsalOf } from '../../domain/sql-rehearsal';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { takePlace } from '../clusters/accept-launch';
import { vcpusLeft } from '../clusters/share-quota';
import { slotDemands } from '../clusters/slot-demands';
import { scriptProblems, storeScript } from '../jobs/job-request';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { requireRunningCluster } from '../operations/in-the-way';
import { allJobs } from '../operations/owned';
import { targetOf } from './accept-failover';
import { shiftedAway } from './zones-in-trouble';

export interface CopyDrillWish {
  /** @default - the next zone that the cluster's placement allows */
  readonly zone?: string | undefined;
  /** By job. */
  readonly jobs?: NonNullable<DrillBody['jobs']> | undefined;
  readonly trigger: FailoverTrigger;
  /** Zones said to be impaired, besides those that AWS shifts traffic away from. */
  readonly impaired?: readonly string[];
  /** Jobs that do not run now are left out. @default - they are refused */
  readonly leavesOut?: boolean;
}

/** `artifacts` keeps scripts that are given. @default - none is */
export type CopyDrillDeps = AcceptDeps & { readonly artifacts?: Pick<ArtifactsPort, 'putText'> };
type Rehearsals = Extract<OperationRequest, { kind: 'drill-on-copy' }>['rehearsals'];

/**
 * Rehearses the loss of the cluster's zone on a copy, which is a cluster of its own with as many hosts as a move would ask for. Nothing of the cluster is held or changed.
 * @throws NotFound; InvalidRequest where a job cannot be rehearsed so, or none can; Conflict when the cluster does not run, its copy is there, or the stage is full
 */
export const acceptCopyDrill = (deps: CopyDrillDeps, change: ChangeRequest, name: string, wish: CopyDrillWish): Promise<Operation> =>
  accept(deps, change, async () => {
    const { store } = deps;
    const cluster = await requireRunningCluster(deps, name);
    const copy = copyNameOf(name);
    const previous = await store.cluster(copy);
    requireFreeName(cluster, previous);
    const rehearsals = await rehearsalsOf(deps, cluster, wish);
    const impaired = [...new Set([...(wish.impaired ?? []), ...(await shiftedAway(deps)).map(({ zone }) => zone)])];
    const zone = targetOf(deps, cluster, wish.zone, impaired);
    const request: OperationRequest = { kind: 'drill-on-copy', copy, from: cluster.zone, zone, trigger: wish.trigger, rehearsals };
    const operation = newOperation(deps, change, name, undefined, request);
    const { operationId, requestedAt: at, deadline } = operation;
    const capacity = decideCapacity(await slotDemands(store, { cluster: name }, 'grow'), cluster.size);
    const hosts = capacity.action === 'provide' ? capacity.hosts : hostLimits(cluster.size).max;
    await requireQuota(deps, cluster, hosts);
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
const requireQuota = async ({ store, stage }: CopyDrillDeps, { size }: Cluster, hosts: number): Promise<void> => {
  const left = await vcpusLeft(store, stage.limits.maxVcpus);
  if (left !== undefined && hosts * size.vcpus > left)
    throw new Conflict(
      `A copy needs ${hosts * size.vcpus} vCPUs, and ${Math.max(0, left)} of the stage's ${stage.limits.maxVcpus} are free (limits.maxVcpus)`,
    );
};

const rehearsalsOf = async (
  deps: CopyDrillDeps,
  cluster: Cluster,
  { jobs = {}, leavesOut = false }: CopyDrillWish,
): Promise<Rehearsals> => {
  const running = new Map(
    (await allJobs(deps.store, cluster.name)).filter(({ status }) => status === 'RUNNING').map((job) => [job.name, job]),
  );
  const wished = leavesOut ? Object.fromEntries(Object.entries(jobs).filter(([name]) => running.has(name))) : jobs;
  const problems = [
    ...Object.entries(wished).flatMap(([name, one]) => rehearsalProblems(name, one, running.get(name))),
    ...tooLarge({ jobs: Object.fromEntries(Object.entries(wished).map(([name, { arguments: given }]) => [name, given])) }),
  ];
  if (problems.length > 0) throw new InvalidRequest(problems);
  if (![...running.values()].some((job) => job.spec.program.kind === 'sql' || wished[job.name]))
    throw new InvalidRequest([
      {
        path: 'jobs',
        message:
          running.size === 0
            ? `no job of ${cluster.name} runs`
            : `say how one of ${[...running.keys()].join(', ')} is run so that it writes nowhere: a jar writes where its arguments say`,
      },
    ]);
  const stored = await Promise.all(
    Object.entries(wished).map(async ([name, one]) => [name, await keep(deps, cluster, name, one)] as const),
  );
  return Object.fromEntries(stored);
};

type Wished = NonNullable<DrillBody['jobs']>[string];

const rehearsalProblems = (name: string, { script }: Wished, job: Job | undefined): readonly FieldProblem[] => {
  const path = `jobs.${name}`;
  if (!job) return [{ path, message: `no job ${name} runs` }];
  const isSql = job.spec.program.kind === 'sql';
  if (script === undefined) return isSql ? [{ path: `${path}.arguments`, message: `${name} is a SQL job: it has a script` }] : [];
  if (!isSql) return [{ path: `${path}.script`, message: `${name} is a program in a jar: it has arguments` }];
  const made = rehearsalOf(script, 'given');
  return made.ok ? scriptProblems(script, `${path}.script`) : [{ path: `${path}.script`, message: made.problem }];
};

/** A script lies below the copy's prefix, with which it goes. */
const keep = async ({ artifacts, stage }: CopyDrillDeps, { name }: Cluster, job: string, wished: Wished): Promise<Rehearsals[string]> => {
  if (wished.script === undefined) return { arguments: wished.arguments ?? [] };
  const made = rehearsalOf(wished.script, 'given');
  if (!artifacts || !made.ok) throw new Error(`the script for ${job} was not looked at, or nobody keeps it`);
  return { script: await storeScript({ artifacts, stage }, copyNameOf(name), job, made.script) };
};
