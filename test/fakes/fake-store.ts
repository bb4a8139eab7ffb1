import type { Cluster, ClusterFault, HeldShift, HomeSeen, Reserve } from '../../lambdas/contracts/cluster';
import { NotFound, Superseded } from '../../lambdas/contracts/errors';
import type { ShiftedZone } from '../../lambdas/contracts/events';
import type { Job, Snapshot } from '../../lambdas/contracts/job';
import type { Operation, Phase } from '../../lambdas/contracts/operation';
import type { AlarmKind, AlarmSeen, LastDecision } from '../../lambdas/contracts/scaling';
import type { LeaseTarget, OperationAccepted, Page, PageRequest, StorePort, Taken } from '../../lambdas/gateways/aws/store.port';
import { type Faults, withFaults } from './faults';

interface PhaseCounts {
  starts: number;
  ends: number;
}

const copy = <T>(value: T): T => structuredClone(value);
const hasEnded = (operation: Operation): boolean => operation.status !== 'PENDING' && operation.status !== 'RUNNING';
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
const jobKey = (cluster: string, name: string): string => `${cluster}/${name}`;

const page = <T>(items: readonly T[], { limit, after }: PageRequest): Page<T> => {
  const from = after === undefined ? 0 : Number(after);
  const next = from + limit;
  return { items: copy(items.slice(from, next)), ...(next < items.length ? { next: String(next) } : {}) };
};

/** Assigns a change; a key whose value is undefined is removed. */
const changed = <T extends object>(item: T, change: object): T =>
  Object.fromEntries(Object.entries({ ...item, ...copy(change) }).filter(([, value]) => value !== undefined)) as T;

const sameReserve = ({ reserve: one }: Cluster, { reserve: other }: Cluster): boolean =>
  one?.epoch === other?.epoch && one?.status === other?.status && one?.by === other?.by;

/** The table in memory: same conditions and outcomes as the adapter (test/contract/store.contract.test.ts holds both to them). */
class InMemoryStore implements StorePort {
  private readonly clusterItems = new Map<string, Cluster>();
  private readonly jobItems = new Map<string, Job>();
  private readonly operationItems = new Map<string, Operation>();
  private readonly phaseCounts = new Map<string, PhaseCounts>();
  private readonly zones = new Map<string, ShiftedZone>();
  private turn = 0;
  private launches = 0;
  private readonly snapshotItems = new Map<string, Snapshot>();

  constructor(private readonly now: () => Date) {}

  /** Puts an item as it is, past every condition: a test's starting point. */
  seed(items: {
    readonly clusters?: readonly Cluster[];
    readonly jobs?: readonly Job[];
    readonly operations?: readonly Operation[];
  }): void {
    for (const item of items.clusters ?? []) this.clusterItems.set(item.name, copy(item));
    for (const item of items.jobs ?? []) this.jobItems.set(jobKey(item.cluster, item.name), copy(item));
    for (const item of items.operations ?? []) this.operationItems.set(item.operationId, copy(item));
  }

  async acceptLaunch(operation: Operation, cluster: Cluster, turn?: number): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(cluster.name);
      if (stored && !(stored.status === 'TERMINATED' && stored.epoch === cluster.epoch - 1)) return 'cluster';
      if (turn !== undefined && turn !== this.launches) return 'launches';
      if (turn !== undefined) this.launches += 1;
      this.clusterItems.set(cluster.name, copy(cluster));
      return undefined;
    });
  }

  async launchTurn(): Promise<number> {
    return this.launches;
  }

  async acceptTermination(operation: Operation, heldBy?: string): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(operation.cluster);
      if (!stored || stored.status === 'TERMINATED') return 'cluster';
      if (heldBy !== undefined && stored.lease?.operationId !== heldBy) return 'cluster';
      this.clusterItems.set(stored.name, { ...stored, desired: 'TERMINATED', updatedAt: operation.requestedAt });
      return undefined;
    });
  }

  async acceptJobChange(operation: Operation, job: Job, previous: Job | undefined, taken?: Taken): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const cluster = this.clusterItems.get(job.cluster);
      if (cluster?.desired !== 'RUNNING' || cluster.status !== 'RUNNING') return 'cluster';
      const { turn = 0 } = cluster;
      if (typeof taken?.room === 'number' && taken.room !== turn) return 'cluster';
      const stored = this.jobItems.get(jobKey(job.cluster, job.name));
      const unchanged =
        stored?.epoch === previous?.epoch &&
        stored?.revision === previous?.revision &&
        stored?.desired === previous?.desired &&
        stored?.latestSavepoint === previous?.latestSavepoint &&
        JSON.stringify(stored?.alarms) === JSON.stringify(previous?.alarms) &&
        stored?.lease?.operationId === previous?.lease?.operationId &&
        stored?.lease?.until === previous?.lease?.until;
      if (!unchanged) return 'job';
      if (taken?.quota !== undefined && taken.quota !== this.turn) return 'quota';
      if (taken?.quota !== undefined) this.turn += 1;
      if (taken) this.clusterItems.set(cluster.name, { ...cluster, turn: turn + 1 });
      this.jobItems.set(jobKey(job.cluster, job.name), copy(job));
      return undefined;
    });
  }

  async quotaTurn(): Promise<number> {
    return this.turn;
  }

  async acceptCancellation(operation: Operation): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const cluster = this.clusterItems.get(operation.cluster);
      if (cluster?.desired !== 'RUNNING' || cluster.status !== 'RUNNING') return 'cluster';
      const stored = this.jobItems.get(jobKey(operation.cluster, operation.job ?? ''));
      if (!stored) return 'job';
      const { brokenOff: _, ...job } = stored;
      this.jobItems.set(jobKey(stored.cluster, stored.name), { ...job, desired: 'STOPPED', updatedAt: operation.requestedAt });
      return undefined;
    });
  }

  async acceptTakeover(
    operation: Operation,
    cluster: Cluster,
    previous: Cluster,
    jobs: readonly string[],
    onlyWhenFree = false,
  ): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(cluster.name);
      const same =
        stored?.desired === 'RUNNING' &&
        stored.epoch === previous.epoch &&
        stored.status === previous.status &&
        stored.revision === previous.revision &&
        stored.lease?.operationId === previous.lease?.operationId &&
        sameReserve(stored, previous);
      if (!same) return 'cluster';
      if (jobs.some((job) => !this.jobItems.has(jobKey(cluster.name, job)))) return 'job';
      const isHeld = (job: string) => (this.jobItems.get(jobKey(cluster.name, job))?.lease?.until ?? '') >= operation.requestedAt;
      if (onlyWhenFree && jobs.some(isHeld)) return 'job';
      const { epoch, zone, avoidedZones, status, statusReason, lease, resources, former, reserve, nextRole } = cluster;
      // What is being made of a reserve or of a role meanwhile stays on record.
      const made = { ...(reserve === previous.reserve ? {} : { reserve }), ...(nextRole === previous.nextRole ? {} : { nextRole }) };
      const placed = { epoch, zone, avoidedZones, resources, former, ...made };
      this.clusterItems.set(cluster.name, changed(stored, { ...placed, status, statusReason, lease, updatedAt: operation.requestedAt }));
      for (const job of jobs) this.setLease({ cluster: cluster.name, job }, copy(lease));
      return undefined;
    });
  }

  async acceptReplacement(operation: Operation, epoch: number): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(operation.cluster);
      const ofHosts = stored?.status === 'RUNNING' && (stored.resources.epoch ?? stored.epoch) === epoch;
      const moving = stored?.status === 'FAILING_OVER' && stored.epoch === epoch;
      return stored?.desired === 'RUNNING' && (ofHosts || moving) ? undefined : 'cluster';
    });
  }

  async acceptReserve(operation: Operation, reserve: Reserve, previous: Cluster): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(operation.cluster);
      const usable = stored?.desired === 'RUNNING' && stored.status === 'RUNNING' && stored.epoch === previous.epoch;
      if (!usable || !sameReserve(stored, previous)) return 'cluster';
      this.clusterItems.set(stored.name, { ...stored, reserve: copy(reserve), updatedAt: operation.requestedAt });
      return undefined;
    });
  }

  async acceptClusterChange(operation: Operation, cluster: Cluster, previous: Cluster): Promise<OperationAccepted> {
    return this.accept(operation, () => {
      const stored = this.clusterItems.get(cluster.name);
      const { spec, size, revision, drillSince, turn } = cluster;
      const isTaken = turn !== previous.turn;
      const same =
        stored?.desired === 'RUNNING' &&
        stored.epoch === previous.epoch &&
        stored.status === previous.status &&
        stored.revision === previous.revision &&
        sameReserve(stored, previous) &&
        !(isTaken && stored.turn !== previous.turn);
      if (!same) return 'cluster';
      const change = { spec, size, revision, drillSince, ...(isTaken ? { turn } : {}), updatedAt: operation.requestedAt };
      this.clusterItems.set(cluster.name, changed(stored, change));
      return undefined;
    });
  }

  async operation(operationId: string): Promise<Operation | undefined> {
    const stored = this.operationItems.get(operationId);
    if (!stored) return undefined;
    const phases = [...stored.phases].sort((a, b) => (a.startedAt === b.startedAt ? 0 : a.startedAt < b.startedAt ? -1 : 1));
    return copy({ ...stored, phases });
  }

  async operationsOf(cluster: string, request: PageRequest): Promise<Page<Operation>> {
    const found = [...this.operationItems.values()].filter((operation) => operation.cluster === cluster);
    const order = (operation: Operation): string => `${operation.requestedAt}#${operation.operationId}`;
    return page(
      found.sort((a, b) => (order(a) < order(b) ? 1 : -1)),
      request,
    );
  }

  async openOperations(): Promise<readonly Operation[]> {
    return copy([...this.operationItems.values()].filter((operation) => !hasEnded(operation)));
  }

  async cluster(name: string): Promise<Cluster | undefined> {
    return copy(this.clusterItems.get(name));
  }

  async clusters(request: PageRequest): Promise<Page<Cluster>> {
    return page([...this.clusterItems.values()].sort(byName), request);
  }

  async job(cluster: string, name: string): Promise<Job | undefined> {
    return copy(this.jobItems.get(jobKey(cluster, name)));
  }

  async jobs(cluster: string, request: PageRequest): Promise<Page<Job>> {
    return page([...this.jobItems.values()].filter((job) => job.cluster === cluster).sort(byName), request);
  }

  async snapshots(cluster: string, job: string, request: PageRequest): Promise<Page<Snapshot>> {
    const found = [...this.snapshotItems.values()].filter((snapshot) => snapshot.cluster === cluster && snapshot.job === job);
    return page(
      found.sort((a, b) => (a.takenAt < b.takenAt ? 1 : -1)),
      request,
    );
  }

  async markRunning(operationId: string, at: string): Promise<boolean> {
    const stored = this.operationItems.get(operationId);
    if (!stored || hasEnded(stored)) return false;
    this.operationItems.set(operationId, { ...stored, status: 'RUNNING', startedAt: stored.startedAt ?? at });
    return true;
  }

  async recordPhase(operationId: string, phase: Omit<Phase, 'attempts'>): Promise<void> {
    const stored = this.requireOperation(operationId);
    const key = `${operationId}/${phase.name}`;
    const counts = this.phaseCounts.get(key) ?? { starts: 0, ends: 0 };
    if (phase.outcome === 'running') counts.starts += 1;
    else counts.ends += 1;
    this.phaseCounts.set(key, counts);
    const first = stored.phases.find(({ name }) => name === phase.name);
    const seen: Phase = { ...copy(phase), startedAt: first?.startedAt ?? phase.startedAt, attempts: Math.max(counts.starts, counts.ends) };
    const phases = first ? stored.phases.map((other) => (other.name === phase.name ? seen : other)) : [...stored.phases, seen];
    this.operationItems.set(operationId, { ...stored, phases });
  }

  async endOperation(
    operationId: string,
    end: Pick<Operation, 'status' | 'endedAt' | 'reason' | 'error' | 'result'>,
    held?: LeaseTarget,
  ): Promise<boolean> {
    const stored = this.requireOperation(operationId);
    if (hasEnded(stored)) return false;
    this.operationItems.set(operationId, changed(stored, end));
    if (held && this.leased(held)?.lease?.operationId === operationId) this.setLease(held, undefined);
    return true;
  }

  async acquireLease(resource: LeaseTarget, lease: { operationId: string; acquiredAt: string; until: string }): Promise<boolean> {
    const held = this.leased(resource)?.lease;
    if (!this.leased(resource)) throw new NotFound(`There is no ${describeTarget(resource)}`);
    if (held && held.operationId !== lease.operationId && held.until >= lease.acquiredAt) return false;
    this.setLease(resource, copy(lease));
    return true;
  }

  async takeJobOver(cluster: string, job: string, lease: { operationId: string; acquiredAt: string; until: string }): Promise<void> {
    if (this.clusterItems.get(cluster)?.lease?.operationId !== lease.operationId)
      throw new Superseded(`${lease.operationId} does not hold the lease of cluster ${cluster}`);
    if (!this.jobItems.has(jobKey(cluster, job))) throw new NotFound(`There is no ${describeTarget({ cluster, job })}`);
    this.setLease({ cluster, job }, copy(lease));
  }

  async copyJob(job: Job): Promise<void> {
    const operationId = job.lease?.operationId ?? '';
    if (this.clusterItems.get(job.cluster)?.lease?.operationId !== operationId)
      throw new Superseded(`${operationId} does not hold the lease of cluster ${job.cluster}`);
    const key = jobKey(job.cluster, job.name);
    if (this.jobItems.get(key)?.lease?.operationId !== operationId) this.jobItems.set(key, copy(job));
  }

  async releaseLease(resource: LeaseTarget, operationId: string): Promise<void> {
    if (this.leased(resource)?.lease?.operationId === operationId) this.setLease(resource, undefined);
  }

  async updateCluster(
    name: string,
    operationId: string,
    change: Partial<Pick<Cluster, 'status' | 'statusReason' | 'zone' | 'avoidedZones' | 'epoch' | 'resources' | 'former' | 'reserve'>>,
  ): Promise<Cluster> {
    const stored = this.clusterItems.get(name);
    if (stored?.lease?.operationId !== operationId) throw new Superseded(`${operationId} does not hold the lease of cluster ${name}`);
    const next = changed(stored, { ...change, updatedAt: this.now().toISOString() });
    this.clusterItems.set(name, next);
    return copy(next);
  }

  async updateReserve(name: string, operationId: string, reserve: Reserve): Promise<void> {
    const stored = this.clusterItems.get(name);
    if (stored?.reserve?.by !== operationId) throw new Superseded(`the reserve of cluster ${name} is not ${operationId}'s`);
    this.clusterItems.set(name, changed(stored, { reserve, updatedAt: this.now().toISOString() }));
  }

  async updateJob(
    cluster: string,
    name: string,
    operationId: string,
    change: Partial<Omit<Job, 'cluster' | 'name' | 'lease' | 'createdAt'>>,
    epoch?: number,
  ): Promise<Job> {
    const stored = this.jobItems.get(jobKey(cluster, name));
    if (stored?.lease?.operationId !== operationId || (epoch !== undefined && stored.epoch !== epoch))
      throw new Superseded(`${operationId} does not hold the lease of job ${name} on cluster ${cluster}, or not at this epoch`);
    const next = changed(stored, { updatedAt: this.now().toISOString(), ...change });
    this.jobItems.set(jobKey(cluster, name), next);
    return copy(next);
  }

  async recordFault(cluster: string, epoch: number, fault: ClusterFault | undefined): Promise<boolean> {
    const { fault: _, ...stored } = this.clusterItems.get(cluster) ?? {};
    if (!('epoch' in stored) || stored.epoch !== epoch) return false;
    this.clusterItems.set(cluster, { ...stored, ...(fault ? { fault: copy(fault) } : {}) } as Cluster);
    return true;
  }

  async beginTurn(cluster: string, turn: number): Promise<boolean> {
    const stored = this.clusterItems.get(cluster);
    if (!stored || (stored.turn ?? 0) !== turn) return false;
    this.clusterItems.set(cluster, { ...stored, turn: turn + 1 });
    return true;
  }

  async recordHome(cluster: string, epoch: number, home: HomeSeen): Promise<boolean> {
    const stored = this.clusterItems.get(cluster);
    if (stored?.epoch !== epoch) return false;
    this.clusterItems.set(cluster, { ...stored, home: copy(home) });
    return true;
  }

  async recordHeldShift(cluster: string, heldShift: HeldShift): Promise<boolean> {
    const stored = this.clusterItems.get(cluster);
    if (stored?.epoch !== heldShift.epoch) return false;
    this.clusterItems.set(cluster, { ...stored, heldShift: copy(heldShift) });
    return true;
  }

  async shiftedZones(): Promise<readonly ShiftedZone[]> {
    return [...this.zones.values()].map(copy);
  }

  async recordShift(shifted: ShiftedZone): Promise<boolean> {
    if ((this.zones.get(shifted.zone)?.saidAt ?? '') >= shifted.saidAt) return false;
    this.zones.set(shifted.zone, copy(shifted));
    return true;
  }

  async recordJobSeen(cluster: string, name: string, epoch: number, seen: Pick<Job, 'status' | 'statusReason'>): Promise<boolean> {
    const stored = this.jobItems.get(jobKey(cluster, name));
    const at = this.now().toISOString();
    if (stored?.epoch !== epoch || (stored.lease && stored.lease.until >= at)) return false;
    this.jobItems.set(jobKey(cluster, name), { ...stored, status: seen.status, statusReason: seen.statusReason, updatedAt: at });
    return true;
  }

  async recordAlarm(cluster: string, name: string, kind: AlarmKind, seen: AlarmSeen): Promise<boolean> {
    const stored = this.jobItems.get(jobKey(cluster, name));
    const known = stored?.alarms?.[kind];
    if (!stored || (known && known.since >= seen.since)) return false;
    this.jobItems.set(jobKey(cluster, name), { ...stored, alarms: { ...stored.alarms, [kind]: copy(seen) } });
    return true;
  }

  async forgetAlarms(cluster: string, name: string, kinds: readonly AlarmKind[]): Promise<boolean> {
    const stored = this.jobItems.get(jobKey(cluster, name));
    if (!stored?.alarms) return false;
    const alarms = { ...stored.alarms };
    for (const kind of kinds) delete alarms[kind];
    this.jobItems.set(jobKey(cluster, name), { ...stored, alarms });
    return true;
  }

  async recordDecision(
    cluster: string,
    name: string,
    epoch: number,
    decision: LastDecision,
    previous: LastDecision | undefined,
  ): Promise<boolean> {
    const stored = this.jobItems.get(jobKey(cluster, name));
    const { at, operationId } = stored?.lastDecision ?? {};
    if (stored?.epoch !== epoch || at !== previous?.at || operationId !== previous?.operationId) return false;
    this.jobItems.set(jobKey(cluster, name), { ...stored, lastDecision: copy(decision) });
    return true;
  }

  async putSnapshot(snapshot: Snapshot): Promise<void> {
    const key = `${jobKey(snapshot.cluster, snapshot.job)}/${snapshot.location}`;
    if (!this.snapshotItems.has(key)) this.snapshotItems.set(key, copy(snapshot));
  }

  async deleteSnapshot(cluster: string, job: string, location: string): Promise<void> {
    this.snapshotItems.delete(`${jobKey(cluster, job)}/${location}`);
  }

  private accept(
    operation: Operation,
    apply: () => Extract<OperationAccepted, { outcome: 'blocked' }>['by'] | undefined,
  ): OperationAccepted {
    const repeated = this.operationItems.get(operation.operationId);
    if (repeated) return { outcome: 'repeated', operation: copy(repeated) };
    const by = apply();
    if (by) return { outcome: 'blocked', by };
    this.operationItems.set(operation.operationId, copy(operation));
    return { outcome: 'created' };
  }

  private requireOperation(operationId: string): Operation {
    const stored = this.operationItems.get(operationId);
    if (!stored) throw new NotFound(`There is no operation ${operationId}`);
    return stored;
  }

  private leased(resource: LeaseTarget): Cluster | Job | undefined {
    return resource.job === undefined ? this.clusterItems.get(resource.cluster) : this.jobItems.get(jobKey(resource.cluster, resource.job));
  }

  private setLease(resource: LeaseTarget, lease: Cluster['lease']): void {
    const stored = this.leased(resource);
    if (!stored) return;
    const next = changed(stored, { lease });
    if (resource.job === undefined) this.clusterItems.set(resource.cluster, next as Cluster);
    else this.jobItems.set(jobKey(resource.cluster, resource.job), next as Job);
  }
}

const describeTarget = ({ cluster, job }: LeaseTarget): string =>
  job === undefined ? `cluster ${cluster}` : `job ${job} on cluster ${cluster}`;

export type FakeStore = InMemoryStore & Faults<StorePort>;

/** @param now clock of `updatedAt`; leases are judged by the instants that callers pass. */
export const createFakeStore = (now: () => Date = () => new Date()): FakeStore => withFaults(new InMemoryStore(now)) as FakeStore;
