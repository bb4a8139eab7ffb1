import { type Cluster, type ClusterSpec, NO_RESOURCES, type ResolvedSize } from '../../contracts/cluster';
import { Conflict, type FieldProblem, InvalidRequest } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import { failoverProblems } from '../../domain/choose-failover-zone';
import { chooseHomeZone, chooseSpread } from '../../domain/cluster-zone';
import { drillProblems } from '../../domain/decide-drill';
import { refusedSettings } from '../../domain/flink-settings-policy';
import { standbyZone } from '../../domain/job-managers';
import { leaseUntil } from '../../domain/lease';
import {
  alternativesOf,
  instanceTypesOf,
  jobManagerAlternativesOf,
  resolveSize,
  unfitAlternatives,
  unfitJobManagerAlternatives,
} from '../../domain/sizing';
import { tooLarge } from '../../domain/spec-limit';
import type { InstanceFactsPort } from '../../gateways/aws/instance-facts.port';
import type { OperationAccepted } from '../../gateways/aws/store.port';
import { shiftedAway } from '../failover/zones-in-trouble';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { heldLease } from '../operations/in-the-way';
import { allClusters } from '../operations/owned';

export type LaunchDeps = AcceptDeps & { readonly instanceFacts: InstanceFactsPort };

/** @throws InvalidRequest with every problem of the spec; Conflict when a cluster of that name is there, or the stage is full */
export const acceptLaunch = (deps: LaunchDeps, change: ChangeRequest, spec: ClusterSpec): Promise<Operation> =>
  accept(deps, change, async () => {
    const resolved = await resolve(deps, spec);
    const previous = await deps.store.cluster(spec.name);
    if (previous && previous.status !== 'TERMINATED') throw existsAlready(deps, previous);
    const operation = newOperation(deps, change, spec.name, undefined, { kind: 'launch-cluster' });
    const cluster: Cluster = {
      name: spec.name,
      // Wherever failovers take it, this is where it belongs.
      spec: { ...spec, zone: resolved.zone },
      ...resolved,
      status: 'LAUNCHING',
      desired: 'RUNNING',
      // A name that is used again goes on counting: nothing of an earlier epoch can be taken for the new one.
      epoch: (previous?.epoch ?? 0) + 1,
      lease: { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) },
      resources: NO_RESOURCES,
      createdAt: operation.requestedAt,
      updatedAt: operation.requestedAt,
    };
    return { operation, write: () => takePlace(deps, operation, cluster) };
  });

/** So many launches may come between the count of clusters and its use before one is refused. */
const TURNS = 20;

/** Clusters are counted in a turn of the stage's launches, so that no two take the last place. */
export const takePlace = async (deps: AcceptDeps, operation: Operation, cluster: Cluster): Promise<OperationAccepted> => {
  for (let attempt = 1; ; attempt++) {
    // Before clusters are counted: who is launched meanwhile begins another turn.
    const turn = await deps.store.launchTurn();
    await requireRoom(deps);
    const accepted = await deps.store.acceptLaunch(operation, cluster, turn);
    if (accepted.outcome !== 'blocked' || accepted.by !== 'launches' || attempt === TURNS) return accepted;
  }
};

interface Resolved {
  readonly size: ResolvedSize;
  readonly flinkVersion: string;
  readonly zone: string;
  readonly zones?: string[];
  readonly avoidedZones?: string[];
  readonly statusReason: string;
}

const resolve = async (deps: LaunchDeps, spec: ClusterSpec): Promise<Resolved> => {
  const { stage, instanceFacts } = deps;
  const flinkVersion = spec.flinkVersion ?? (stage.flinkVersions[0] as string);
  const zones = stage.zones.map(({ name }) => name);
  const shifted = (await shiftedAway(deps)).map((one) => one.zone);
  const zone = chooseHomeZone(spec.name, spec.zone, zones, shifted, spec.placement.zones);
  const sizing = resolveSize(spec, stage, await instanceFacts.describe(instanceTypesOf(spec, stage)));
  const problems: FieldProblem[] = [
    ...(stage.flinkVersions.includes(flinkVersion)
      ? []
      : [{ path: 'flinkVersion', message: `the stage has no Flink ${flinkVersion}; it has ${stage.flinkVersions.join(', ')}` }]),
    ...drillProblems(spec, zones),
    ...(zone.ok ? failoverProblems(spec, zone.zone, zones) : []),
    ...refusedSettings(spec.flinkConfiguration, 'cluster'),
    ...tooLarge({ flinkConfiguration: spec.flinkConfiguration, tags: spec.tags }),
  ];
  const spread = zone.ok && sizing.ok ? chooseSpread(spec, zone.zone, sizing.size, zones, shifted) : undefined;
  if (spread?.ok === false) problems.push(...spread.problems);
  if (zone.ok && sizing.ok && spread?.ok && problems.length === 0) {
    const placed = {
      zone: zone.zone,
      ...(spread.zones ? { zones: [...spread.zones] } : {}),
      ...(spread.avoidedZones ? { avoidedZones: [...spread.avoidedZones] } : {}),
    };
    const standby = standbyZone({ spec, ...placed });
    return {
      flinkVersion,
      ...placed,
      ...(await withAlternatives({ stage, instanceFacts }, spec, sizing.size, [
        zone.reason,
        ...(spread.reason === undefined ? [] : [spread.reason]),
        ...(standby === undefined ? [] : [`a JobManager stands by in ${standby}`]),
        ...sizing.reasons,
      ])),
    };
  }
  throw new InvalidRequest([...(sizing.ok ? [] : sizing.problems), ...(zone.ok ? [] : zone.problems), ...problems]);
};

const withAlternatives = async (
  deps: FactsDeps,
  spec: ClusterSpec,
  size: ResolvedSize,
  reasons: readonly string[],
): Promise<Pick<Resolved, 'size' | 'statusReason'>> => {
  const alternatives = await hostAlternatives(deps, spec, size);
  const leader = await jobManagerAlternatives(deps, spec, size);
  const jobManager = leader.length === 0 ? size.jobManager : { ...size.jobManager, alternatives: [...leader] };
  const or =
    leader.length === 0 ? [] : [`where EC2 has no ${jobManager.instanceType}, the host of a JobManager is ${leader.join(', else ')}`];
  if (alternatives.length === 0) return { size: { ...size, jobManager }, statusReason: [...reasons, ...or].join('; ') };
  const bought =
    spec.purchase.spotPercent > 0
      ? `Spot hosts are ${[size.instanceType, ...alternatives].join(', ')}`
      : `where EC2 has no ${size.instanceType}, hosts are ${alternatives.join(', else ')}`;
  return { size: { ...size, jobManager, alternatives: [...alternatives] }, statusReason: [...reasons, bought, ...or].join('; ') };
};

type FactsDeps = Pick<LaunchDeps, 'stage' | 'instanceFacts'>;

/**
 * Further types that TaskManager hosts may be of: Spot, so that EC2 can give those that it will want back last; on demand, so that there are some where the first type
 * is used up. @throws InvalidRequest when one that the caller named does not fit
 */
export const hostAlternatives = async (
  { stage, instanceFacts }: FactsDeps,
  spec: ClusterSpec,
  size: ResolvedSize,
): Promise<readonly string[]> => {
  const own = (await instanceFacts.describe([size.instanceType])).get(size.instanceType);
  const { instanceTypes, spotPercent } = spec.purchase;
  const named = instanceTypes && (await instanceFacts.describe(instanceTypes));
  const unfit = named ? unfitAlternatives(spec, size, named, stage.prices) : [];
  if (unfit.length > 0) throw new InvalidRequest(unfit);
  const candidates = named ? [...named.values()] : own ? await instanceFacts.alike(own, spotPercent > 0 ? 'spot' : 'on-demand') : [];
  return alternativesOf(spec, size, candidates, stage.prices);
};

/** The same of a JobManager's host. @throws InvalidRequest */
export const jobManagerAlternatives = async (
  { stage, instanceFacts }: FactsDeps,
  { overrides }: ClusterSpec,
  { jobManager: { instanceType } }: ResolvedSize,
): Promise<readonly string[]> => {
  const named = overrides.jobManager?.instanceTypes;
  const own = (await instanceFacts.describe([instanceType])).get(instanceType);
  if (!own) return [];
  const known = named && (await instanceFacts.describe(named));
  const unfit = known ? unfitJobManagerAlternatives(named, own, known, stage.prices) : [];
  if (unfit.length > 0) throw new InvalidRequest(unfit);
  const candidates = known ? [...known.values()] : await instanceFacts.alike(own, 'on-demand');
  return jobManagerAlternativesOf(named, own, candidates, stage.prices);
};

const existsAlready = ({ clock }: LaunchDeps, cluster: Cluster): Conflict => {
  const lease = heldLease(cluster.lease, clock);
  const wayOut = cluster.status === 'FAILED' ? '; terminate it to use the name again' : '';
  return new Conflict(
    `Cluster ${cluster.name} exists already and is ${cluster.status}${wayOut}`,
    lease && { operationId: lease.operationId, cluster: cluster.name },
  );
};

const requireRoom = async ({ store, stage }: AcceptDeps): Promise<void> => {
  const present = (await allClusters(store)).filter(({ status }) => status !== 'TERMINATED').length;
  if (present >= stage.limits.maxClusters)
    throw new Conflict(`The stage has ${present} clusters, its limit is ${stage.limits.maxClusters}`);
};
