import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { JobRecord } from '../../contracts/observation';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { LastDecision, ScalingObserved } from '../../contracts/scaling';
import { slotsPerHost } from '../../domain/capacity';
import { isJobOver } from '../../domain/job-lifecycle';
import { jobManagerAddresses } from '../../domain/job-managers';
import { leaseUntil } from '../../domain/lease';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { hostsPaidFor } from '../../domain/reserve';
import { decideScaling } from '../../domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../domain/scaling/decision';
import { type FleetFacts, fleetRoom } from '../../domain/scaling/fleet-room';
import { REMEMBERED_SECONDS, refusedHosts } from '../../domain/scaling/refused-hosts';
import { settingsOf } from '../../domain/scaling/settings';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import type { KafkaMetricsPort } from '../../gateways/aws/kafka-metrics.port';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import { type QuotaShare, shareQuota } from '../clusters/share-quota';
import { slotDemands, takesRoom } from '../clusters/slot-demands';
import { type AcceptDeps, accept, newOperation } from '../operations/accept';
import { heldLease } from '../operations/in-the-way';
import { recentOperations } from '../operations/list-operations';
import { readKafka } from './read-kafka';

export type ConsiderDeps = AcceptDeps & {
  readonly observations: ObservationStorePort;
  readonly fleet: Pick<FleetPort, 'observe'>;
  readonly kafkaMetrics: KafkaMetricsPort;
};

/** Who asks for what nobody asked for; not who cleans up (`sweep-operations.ts`), so that this is cleaned up after too. */
const SCALER = 'sluice-scaling';

export interface Considered {
  /** `ignored`: there is nothing to decide. `held`: another operation changes the job. `kept`: decided, and nothing is changed. */
  readonly outcome: 'ignored' | 'held' | 'kept' | 'started';
  readonly reason: string;
  readonly operationId?: string;
}

const ignored = (reason: string): Considered => ({ outcome: 'ignored', reason });

/** Somebody else took of the cluster's room or the stage's quota in between: it is decided again by what is left, so often. Then the next pass asks. */
const TURNS = 5;

/** Lines that are kept with an operation: about the job first, then about vertices that change, then the rest. */
const LINES = 100;

/**
 * Decides by the newest observation whether a job is to be rescaled, and starts that. The operation's id follows from the observation: two alarms
 * at once, or one that comes twice, make one operation. While another operation changes the job nothing is done; the next pass asks again.
 * @param trigger what asks, such as `alarm lag` or `forecast`, for a person
 */
export const considerScaling = async (
  deps: ConsiderDeps,
  at: { readonly cluster: string; readonly job: string },
  trigger: string,
  turn = 1,
): Promise<Considered> => {
  const [cluster, job] = await Promise.all([deps.store.cluster(at.cluster), deps.store.job(at.cluster, at.job)]);
  if (!cluster || !job) return ignored(`There is no job ${at.job} on cluster ${at.cluster}`);
  if (cluster.status !== 'RUNNING' || cluster.desired !== 'RUNNING') return ignored(`Cluster ${cluster.name} is ${cluster.status}`);
  if (isJobOver(job.status) || job.desired !== 'RUNNING') return ignored(`Job ${job.name} does not run: it is ${job.status}`);
  if (!job.spec.scaling?.enabled) return ignored(`Job ${job.name} does not scale by itself`);
  const lease = heldLease(job.lease, deps.clock);
  if (lease) return { outcome: 'held', reason: `${lease.operationId} changes job ${job.name}; the next pass asks again` };
  const record = await deps.observations.latest(cluster.name, job.name);
  if (!record) return ignored(`Job ${job.name} was not observed yet`);
  if (record.jobEpoch !== job.epoch) return ignored(`Job ${job.name} was not observed since it was started as epoch ${job.epoch}`);

  const kafka = await readKafka(deps, job);
  const { decision, share } = await decide(deps, cluster, job, record, kafka);
  if (decision.action.kind === 'none' || decision.action.kind === 'hold') return keep(deps, job, decision, trigger, share);
  const considered = await start(deps, cluster, job, decision, trigger, share);
  const again = considered.outcome === 'held' && turn < TURNS && (await isOvertaken(deps, cluster, share));
  return again ? considerScaling(deps, at, trigger, turn + 1) : considered;
};

/** Whether somebody else took of what it was decided by. */
const isOvertaken = async ({ store }: ConsiderDeps, { name, turn }: Cluster, share: QuotaShare | undefined): Promise<boolean> =>
  (await store.cluster(name))?.turn !== turn || (share !== undefined && (await store.quotaTurn()) !== share.turn);

interface Decided {
  readonly decision: ScalingDecision;
  /** What the stage's quota has for it, where that was asked. */
  readonly share?: QuotaShare;
}

const decide = async (
  deps: ConsiderDeps,
  cluster: Cluster,
  job: Job,
  record: JobRecord,
  kafka: Pick<ScalingObserved, 'kafka'>,
): Promise<Decided> => {
  const { clock, observations, stage, store } = deps;
  const now = clock().toISOString();
  const settings = settingsOf(job.spec.scaling ?? { enabled: true, priority: 0 }, cluster.size);
  const [history, seen, demands] = await Promise.all([
    observations.history(cluster.name, job.name),
    deps.fleet.observe(cluster.resources),
    slotDemands(store, { cluster: cluster.name }, 'grow'),
  ]);
  const facts: FleetFacts = {
    size: cluster.size,
    paidFor: hostsPaidFor(cluster),
    hosts: {
      running: seen.hosts.filter(({ role, state }) => role === 'taskmanager' && state === 'running').length,
      wanted: seen.wanted.taskmanager,
    },
    jobManagers: jobManagerAddresses(cluster.resources).length,
    slotsTaken: demands.reduce((sum, { slots }) => sum + slots, 0),
    prices: stage.prices ?? {},
    ...(stage.volumePrices === undefined ? {} : { volumePrices: stage.volumePrices }),
    ...(settings.budgetDollarsPerHour === undefined ? {} : { budgetDollarsPerHour: settings.budgetDollarsPerHour }),
  };
  const within = (room: FleetFacts): ScalingDecision =>
    decideScaling(
      {
        job: record.observation,
        fleet: fleetRoom(room),
        state: record.scalingState,
        history: [...history],
        forecast: record.forecast,
        ...kafka,
      },
      settings,
      now,
    );
  const unrefused = within(facts);
  if (slotsToProvide(unrefused) === 0) return { decision: unrefused };
  const refused = refusedHosts(await recentOperations(store, cluster.name, now, REMEMBERED_SECONDS), job.name, now);
  const room = { ...facts, refused };
  const decision = refused === undefined ? unrefused : within(room);
  const hosts = Math.ceil(slotsToProvide(decision) / slotsPerHost(cluster.size));
  const total = stage.limits.maxVcpus;
  if (hosts === 0 || total === undefined) return { decision };
  const share = await shareQuota(deps, { cluster, job, hosts, wanted: facts.hosts.wanted, total, now });
  return { decision: share.hosts >= hosts ? decision : within({ ...room, hostsGranted: share.hosts, share: share.reason }), share };
};

const slotsToProvide = ({ action }: ScalingDecision): number =>
  action.kind === 'rescale' || action.kind === 'roll-back' ? action.plan.slotsToProvide : 0;

const keep = async (
  deps: ConsiderDeps,
  job: Job,
  decision: ScalingDecision,
  trigger: string,
  share: QuotaShare | undefined,
): Promise<Considered> => {
  const reason = withShare(decision.reason, share);
  const seen = { ...decisionSeen(decision, trigger, share), reason };
  // Not over what became an operation meanwhile, by the same observation.
  await deps.store.recordDecision(job.cluster, job.name, job.epoch, seen, job.lastDecision);
  return { outcome: 'kept', reason };
};

const withShare = (reason: string, share: QuotaShare | undefined): string =>
  share?.waitsFor ? `${reason} The stage's quota: ${share.reason}.` : reason;

const decisionSeen = ({ action, inputs, reason }: ScalingDecision, trigger: string, share: QuotaShare | undefined): LastDecision => ({
  at: inputs.now,
  kind: action.kind,
  ...(action.kind === 'rescale' ? { direction: action.direction } : {}),
  trigger,
  reason: withShare(reason, share),
  ...(share?.waitsFor ? { waitsFor: share.waitsFor } : {}),
});

const start = async (
  deps: ConsiderDeps,
  cluster: Cluster,
  job: Job,
  decision: ScalingDecision,
  trigger: string,
  share: QuotaShare | undefined,
): Promise<Considered> => {
  const { observedAt } = decision.inputs.observed.job;
  const key = `${job.epoch}/${observedAt}`;
  const operationId = operationIdOfKey({ caller: SCALER, method: 'SCALE', path: `/clusters/${cluster.name}/jobs/${job.name}`, key });
  const change = { requestedBy: SCALER, operationId, requestHash: requestHashOf(key) };
  // Before the operation: whoever reads that can read this. Of two considerations of one observation either may become it.
  const kept = await deps.observations.putDecision(operationId, decision, true);
  try {
    const operation = await accept(deps, change, async () => {
      const current = await deps.store.job(cluster.name, job.name);
      if (!current || current.epoch !== job.epoch || heldLease(current.lease, deps.clock))
        throw new Conflict(`Job ${job.name} is being changed`);
      const operation = newOperation(deps, change, cluster.name, job.name, requestOf(decision, trigger));
      const lease = { operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
      const lastDecision = { ...decisionSeen(decision, trigger, share), operationId };
      const next: Job = { ...current, lease, lastDecision, updatedAt: operation.requestedAt };
      const taken = { room: cluster.turn ?? 0, ...(share === undefined ? {} : { quota: share.turn }) };
      const write = async () => {
        const accepted = await deps.store.acceptJobChange(
          operation,
          next,
          current,
          takesRoom(operation.request, current) ? taken : undefined,
        );
        if (accepted.outcome === 'created' && !kept) await deps.observations.putDecision(operationId, decision);
        return accepted;
      };
      return { operation, write };
    });
    return { outcome: 'started', reason: operation.reason === 'Accepted' ? decision.reason : operation.reason, operationId };
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return { outcome: 'held', reason: `${error.message}; the next pass asks again` };
  }
};

const requestOf = ({ action, explanation, inputs, reason }: ScalingDecision, trigger: string): OperationRequest => {
  if (action.kind !== 'rescale' && action.kind !== 'roll-back') throw new Error(`${action.kind} is no change`);
  const { slotsBefore: before, slotsAfter: after, slotsToProvide: provide, spareSlots: spare } = action.plan;
  const rank = (vertex: string | null): number => (vertex === null ? 0 : action.from[vertex] !== action.to[vertex] ? 1 : 2);
  return {
    kind: 'scale-job',
    action: action.kind,
    direction: action.kind === 'rescale' ? action.direction : after > before ? 'out' : 'in',
    trigger,
    reason,
    explanation: [...explanation].sort((a, b) => rank(a.vertex) - rank(b.vertex)).slice(0, LINES),
    decidedAt: inputs.now,
    observedAt: inputs.observed.job.observedAt,
    from: { ...action.from },
    to: { ...action.to },
    slots: { before, after, provide, spare },
  };
};

/** The decision that an operation carries out. */
export type ScaleRequest = Extract<Operation['request'], { kind: 'scale-job' }>;
