import { createHash } from 'node:crypto';
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
import { scriptKey } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { takePlace } from '../clusters/accept-launch';
import { slotDemands } from '../clusters/slot-demands';
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
    const rehearsals = await rehearsalsOf(deps, cluster, wish.jobs ?? {});
    const impaired = [...new Set([...(wish.impaired ?? []), ...(await shiftedAway(deps)).map(({ zone }) => zone)])];
    const zone = targetOf(deps, cluster, wish.zone, impaired);
    const request: OperationRequest = { kind: 'drill-on-copy', copy, from: cluster.zone, zone, trigger: wish.trigger, rehearsals };
    const operation = newOperation(deps, change, name, undefined, request);
    const { operationId, requestedAt: at, deadline } = operation;
    const capacity = decideCapacity(await slotDemands(store, { cluster: name }, 'grow'), cluster.size);
    const wanted = {
      epoch: (previous?.epoch ?? 0) + 1,
      zone,
      avoid: [...impaired, cluster.zone],
      hosts: capacity.action === 'provide' ? capacity.hosts : hostLimits(cluster.size).max,
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

const rehearsalsOf = async (deps: CopyDrillDeps, cluster: Cluster, wished: NonNullable<DrillBody['jobs']>): Promise<Rehearsals> => {
  const running = new Map(
    (await allJobs(deps.store, cluster.name)).filter(({ status }) => status === 'RUNNING').map((job) => [job.name, job]),
  );
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
  const made = rehearsalOf(script);
  return made.ok ? [] : [{ path: `${path}.script`, message: made.problem }];
};

const keep = async ({ artifacts, stage }: CopyDrillDeps, { name }: Cluster, job: string, wished: Wished): Promise<Rehearsals[string]> => {
  if (wished.script === undefined) return { arguments: wished.arguments ?? [] };
  if (!artifacts) throw new Error(`nobody keeps the script for ${job}`);
  return { script: await storeScript({ artifacts, stage }, copyNameOf(name), job, wished.script) };
};

/** Below the copy's prefix, with which it goes. @throws Error when the script cannot be one that writes nowhere, which was to be looked at before */
export const storeScript = async (
  { artifacts, stage }: Pick<AcceptDeps, 'stage'> & Required<Pick<CopyDrillDeps, 'artifacts'>>,
  copy: string,
  job: string,
  script: string,
): Promise<{ readonly uri: string; readonly sha256: string }> => {
  const made = rehearsalOf(script);
  if (!made.ok) throw new Error(made.problem);
  const sha256 = createHash('sha256').update(made.script).digest('hex');
  return { sha256, uri: await artifacts.putText(stage.stateBucket, scriptKey(copy, job, sha256), made.script) };
};
