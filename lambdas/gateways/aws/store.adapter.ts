import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Cluster } from '../../contracts/cluster';
import { NotFound, Superseded } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import { Placeholders } from './store/expressions';
import {
  clusterItem,
  jobItem,
  openItem,
  operationItem,
  readCluster,
  readJob,
  readOperation,
  readShiftedZone,
  readSnapshot,
  shiftedZoneItem,
  snapshotItem,
} from './store/items';
import {
  behindInstant,
  CLUSTERS,
  clusterKey,
  jobKey,
  jobsPartition,
  type Key,
  LAUNCHES_KEY,
  leaseKey,
  OPEN_OPERATIONS,
  openKey,
  operationIndexKey,
  operationKey,
  QUOTA_KEY,
  snapshotIndexKey,
  snapshotKey,
  ZONES,
} from './store/keys';
import { type ReportUnreadable, Table, type TransactionPart } from './store/table';
import type { LeaseTarget, OperationAccepted, Page, StorePort, Taken } from './store.port';

export interface StoreDependencies {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly now: () => Date;
  /** @default a line of JSON on stderr, which is the function's log */
  readonly reportUnreadable?: ReportUnreadable;
}

/** Ended operations are kept for a quarter, then DynamoDB removes them. Clusters and jobs stay: their epochs must never go back. */
export const ENDED_OPERATION_DAYS = 90;
const DAY_SECONDS = 86_400;
/** A transaction holds 100 items, a few of which are the operation's and the cluster's. */
const LEASES_AT_ONCE = 90;
/** Items read at once for the sweeper; a stage has a handful of open operations. */
const OPEN_PAGE = 100;

const ABSENT = 'attribute_not_exists(pk)';
const PRESENT = 'attribute_exists(pk)';

const toStderr: ReportUnreadable = (report) => console.error(JSON.stringify({ level: 'ERROR', ...report }));

/** The table by DynamoDB (items and keys: `store/keys.ts`, `store/items.ts`). Lists of operations and snapshots come from an index and may be a second late. */
export const createStore = ({ client, tableName, now, reportUnreadable = toStderr }: StoreDependencies): StorePort => {
  const table = new Table(client, tableName, reportUnreadable);
  const isOpen = (placeholders: Placeholders): string =>
    `${placeholders.name('status')} IN (${placeholders.value('PENDING')}, ${placeholders.value('RUNNING')})`;
  const operation = (operationId: string): Promise<Operation | undefined> => table.get(operationKey(operationId), readOperation);

  /** Update and condition that take an operation's lease off a cluster or job. */
  const removal = (names: Placeholders, operationId: string): [string, string] => [
    `REMOVE ${names.name('lease')}`,
    names.is(operationId, 'lease', 'operationId'),
  ];
  const letGo = (resource: LeaseTarget, operationId: string): TransactionPart => {
    const names = new Placeholders();
    return table.change(leaseKey(resource), names, ...removal(names, operationId));
  };

  const turnOf = async (key: Key): Promise<number> => (await table.get(key, ({ turn }) => z.int().parse(turn))) ?? 0;
  const nextTurn = (key: Key, turn: number): TransactionPart => {
    const names = new Placeholders();
    return table.change(key, names, names.update({ turn: turn + 1 }), isTurn(turn, names));
  };

  /** What was seen of a cluster's epoch, whoever holds its lease. */
  const recordSeen = async (
    cluster: string,
    epoch: number,
    seen: Partial<Pick<Cluster, 'fault' | 'home' | 'heldShift'>>,
  ): Promise<boolean> => {
    const names = new Placeholders();
    return (await table.update(clusterKey(cluster), names, names.update(seen), names.is(epoch, 'epoch'))) !== undefined;
  };

  /** A cluster that takes changes of its jobs; the next turn of its room begins where something is taken of that. */
  const usableCluster = (name: string, room?: Taken['room']): TransactionPart => {
    const names = new Placeholders();
    const usable = isUsable(names);
    if (room === undefined) return table.check(clusterKey(name), names, usable);
    const turn = names.name('turn');
    const update = `SET ${turn} = if_not_exists(${turn}, ${names.value(0)}) + ${names.value(1)}`;
    return table.change(clusterKey(name), names, update, room === 'any' ? usable : `${usable} AND ${isTurn(room, names)}`);
  };

  /** `conditions` are the parts that may be refused, with whom to name then. The operation is added, with its mark as open unless it has ended. */
  const accept = async (
    given: Operation,
    conditions: readonly { readonly by: 'cluster' | 'job' | 'quota' | 'launches'; readonly part: TransactionPart }[],
  ): Promise<OperationAccepted> => {
    const { endedAt } = given;
    const own =
      endedAt === undefined
        ? [table.put(operationItem(given), ABSENT), table.put(openItem(given.operationId))]
        : [table.put({ ...operationItem(given), ttl: forgottenAt(endedAt) }, ABSENT)];
    const failed = await table.transact([...own, ...conditions.map(({ part }) => part)]);
    if (!failed) return { outcome: 'created' };
    const [operationExists, refused] = [failed[0], failed.slice(own.length)];
    // Also when another condition failed too: a repeated request finds its own first effect in the way.
    if (operationExists) {
      const stored = await operation(given.operationId);
      if (stored) return { outcome: 'repeated', operation: stored };
    }
    return { outcome: 'blocked', by: conditions[refused.indexOf(true)]?.by ?? 'cluster' };
  };

  return {
    async acceptLaunch(given, cluster, turn) {
      const names = new Placeholders();
      const free = `${ABSENT} OR (${names.is('TERMINATED', 'status')} AND ${names.is(cluster.epoch - 1, 'epoch')})`;
      return accept(given, [
        { by: 'cluster', part: table.put(clusterItem(cluster), free, names) },
        ...(turn === undefined ? [] : [{ by: 'launches' as const, part: nextTurn(LAUNCHES_KEY, turn) }]),
      ]);
    },

    launchTurn: () => turnOf(LAUNCHES_KEY),

    async acceptTermination(given, heldBy) {
      const names = new Placeholders();
      const update = names.update({ desired: 'TERMINATED', updatedAt: given.requestedAt });
      const there = `${PRESENT} AND ${names.name('status')} <> ${names.value('TERMINATED')}`;
      const condition = heldBy === undefined ? there : `${there} AND ${names.is(heldBy, 'lease', 'operationId')}`;
      return accept(given, [{ by: 'cluster', part: table.change(clusterKey(given.cluster), names, update, condition) }]);
    },

    async acceptJobChange(given, job, previous, taken) {
      const same = new Placeholders();
      return accept(given, [
        { by: 'cluster', part: usableCluster(job.cluster, taken?.room) },
        { by: 'job', part: table.put(jobItem(job), previous ? unchangedSince(previous, same) : ABSENT, same) },
        ...(taken?.quota === undefined ? [] : [{ by: 'quota' as const, part: nextTurn(QUOTA_KEY, taken.quota) }]),
      ]);
    },

    quotaTurn: () => turnOf(QUOTA_KEY),

    async acceptCancellation(given) {
      const names = new Placeholders();
      const update = names.update({ desired: 'STOPPED', brokenOff: undefined, updatedAt: given.requestedAt });
      return accept(given, [
        { by: 'cluster', part: usableCluster(given.cluster) },
        { by: 'job', part: table.change(jobKey(given.cluster, given.job ?? ''), names, update, PRESENT) },
      ]);
    },

    async acceptTakeover(given, cluster, previous, jobs, onlyWhenFree = false) {
      const names = new Placeholders();
      const { epoch, zone, avoidedZones, status, statusReason, lease, resources, former, reserve, nextRole } = cluster;
      // What is being made of a reserve or of a role meanwhile stays on record.
      const made = { ...(reserve === previous.reserve ? {} : { reserve }), ...(nextRole === previous.nextRole ? {} : { nextRole }) };
      const placed = { epoch, zone, avoidedZones, resources, former, ...made };
      const update = names.update({ ...placed, status, statusReason, lease, updatedAt: given.requestedAt });
      const same = [
        names.is('RUNNING', 'desired'),
        names.is(previous.epoch, 'epoch'),
        names.is(previous.status, 'status'),
        names.is(previous.revision, 'revision'),
        previous.lease ? names.is(previous.lease.operationId, 'lease', 'operationId') : names.is(undefined, 'lease'),
        sameReserve(previous, names),
      ].join(' AND ');
      const leases = jobs.slice(0, LEASES_AT_ONCE).map((job) => {
        const ofJob = new Placeholders();
        // Only when it is used: DynamoDB refuses a value that no expression names.
        const free = () => `(${ofJob.is(undefined, 'lease')} OR ${ofJob.name('lease', 'until')} < ${ofJob.value(given.requestedAt)})`;
        const condition = onlyWhenFree ? `${PRESENT} AND ${free()}` : PRESENT;
        return { by: 'job' as const, part: table.change(jobKey(cluster.name, job), ofJob, ofJob.update({ lease }), condition) };
      });
      return accept(given, [{ by: 'cluster', part: table.change(clusterKey(cluster.name), names, update, same) }, ...leases]);
    },

    async acceptReplacement(given, epoch) {
      const names = new Placeholders();
      const own = `(${names.is(undefined, 'resources', 'epoch')} AND ${names.is(epoch, 'epoch')})`;
      const ofHosts = `(${names.is(epoch, 'resources', 'epoch')} OR ${own})`;
      const moving = `${names.is('RUNNING', 'desired')} AND ${names.is('FAILING_OVER', 'status')} AND ${names.is(epoch, 'epoch')}`;
      const condition = `(${isUsable(names)} AND ${ofHosts}) OR (${moving})`;
      return accept(given, [{ by: 'cluster', part: table.check(clusterKey(given.cluster), names, condition) }]);
    },

    async acceptReserve(given, reserve, previous) {
      const names = new Placeholders();
      const update = names.update({ reserve, updatedAt: given.requestedAt });
      const condition = [isUsable(names), names.is(previous.epoch, 'epoch'), sameReserve(previous, names)].join(' AND ');
      return accept(given, [{ by: 'cluster', part: table.change(clusterKey(given.cluster), names, update, condition) }]);
    },

    async acceptClusterChange(given, cluster, previous) {
      const names = new Placeholders();
      const { spec, size, revision, drillSince, turn } = cluster;
      const isTaken = turn !== previous.turn;
      const update = names.update({ spec, size, revision, drillSince, ...(isTaken ? { turn } : {}), updatedAt: given.requestedAt });
      const same = [
        names.is('RUNNING', 'desired'),
        names.is(previous.epoch, 'epoch'),
        names.is(previous.status, 'status'),
        names.is(previous.revision, 'revision'),
        sameReserve(previous, names),
        ...(isTaken ? [isTurn(previous.turn ?? 0, names)] : []),
      ].join(' AND ');
      return accept(given, [{ by: 'cluster', part: table.change(clusterKey(cluster.name), names, update, same) }]);
    },

    operation,

    operationsOf: (cluster, page) =>
      table.list(
        {
          partition: operationIndexKey(cluster, '', '').gsi1pk,
          newestFirst: true,
          index: { baseKey: (sortKey) => operationKey(behindInstant(sortKey)) },
        },
        page,
        readOperation,
      ),

    async openOperations() {
      const found: Operation[] = [];
      let after: string | undefined;
      do {
        const page: Page<string> = await table.list(
          { partition: OPEN_OPERATIONS },
          { limit: OPEN_PAGE, ...(after ? { after } : {}) },
          (item) => String(item.operationId),
        );
        const read = await Promise.all(page.items.map((id) => table.get(operationKey(id), (item) => table.readable(item, readOperation))));
        found.push(...read.flatMap((operations) => operations ?? []));
        after = page.next;
      } while (after);
      return found;
    },

    cluster: (name) => table.get(clusterKey(name), readCluster),
    clusters: (page) => table.list({ partition: CLUSTERS }, page, readCluster),
    job: (cluster, name) => table.get(jobKey(cluster, name), readJob),
    jobs: (cluster, page) => table.list({ partition: jobsPartition(cluster), prefix: 'JOB#' }, page, readJob),
    snapshots: (cluster, job, page) => {
      const baseKey = (sortKey: string) => ({ pk: jobsPartition(cluster), sk: `SNAPSHOT#${job}#${behindInstant(sortKey)}` });
      return table.list(
        { partition: snapshotIndexKey(cluster, job, '', '').gsi1pk, newestFirst: true, index: { baseKey } },
        page,
        readSnapshot,
      );
    },

    async markRunning(operationId, at) {
      const names = new Placeholders();
      const update = `${names.update({ status: 'RUNNING' })}, ${names.name('startedAt')} = if_not_exists(${names.name('startedAt')}, ${names.value(at)})`;
      return (await table.update(operationKey(operationId), names, update, isOpen(names))) !== undefined;
    },

    async recordPhase(operationId, phase) {
      const names = new Placeholders();
      const start = names.name('phaseStarts', phase.name);
      const counter = names.name(phase.outcome === 'running' ? 'phaseBegun' : 'phaseDone', phase.name);
      const { name, startedAt, ...seen } = phase;
      const update = [
        `SET ${start} = if_not_exists(${start}, ${names.value(startedAt)})`,
        `${counter} = if_not_exists(${counter}, ${names.value(0)}) + ${names.value(1)}`,
        `${names.name('phaseSeen', name)} = ${names.value(seen)}`,
      ].join(', ');
      if (!(await table.update(operationKey(operationId), names, update, PRESENT)))
        throw new NotFound(`There is no operation ${operationId}`);
    },

    async endOperation(operationId, end, held) {
      const names = new Placeholders();
      const ttl = forgottenAt(end.endedAt ?? now().toISOString());
      const parts = [
        table.change(operationKey(operationId), names, names.update({ ...end, ttl }), isOpen(names)),
        table.delete(openKey(operationId)),
      ];
      let failed = await table.transact(held ? [...parts, letGo(held, operationId)] : parts);
      // The lease is somebody else's by now.
      if (failed?.[2] && !failed[0]) failed = await table.transact(parts);
      if (failed && !(await operation(operationId))) throw new NotFound(`There is no operation ${operationId}`);
      return failed === undefined;
    },

    async acquireLease(resource, lease) {
      const names = new Placeholders();
      const update = names.update({ lease });
      const free = [
        names.is(undefined, 'lease'),
        names.is(lease.operationId, 'lease', 'operationId'),
        `${names.name('lease', 'until')} < ${names.value(lease.acquiredAt)}`,
      ].join(' OR ');
      if (await table.update(leaseKey(resource), names, update, `${PRESENT} AND (${free})`)) return true;
      if (!(await table.get(leaseKey(resource), () => true))) throw new NotFound(`There is no ${describeTarget(resource)}`);
      return false;
    },

    async takeJobOver(cluster, job, lease) {
      const own = new Placeholders();
      const names = new Placeholders();
      const failed = await table.transact([
        table.check(clusterKey(cluster), own, own.is(lease.operationId, 'lease', 'operationId')),
        table.change(jobKey(cluster, job), names, names.update({ lease }), PRESENT),
      ]);
      if (failed?.[0]) throw new Superseded(`${lease.operationId} does not hold the lease of cluster ${cluster}`);
      if (failed?.[1]) throw new NotFound(`There is no ${describeTarget({ cluster, job })}`);
    },

    async copyJob(job) {
      const own = new Placeholders();
      const names = new Placeholders();
      const operationId = job.lease?.operationId ?? '';
      const failed = await table.transact([
        table.check(clusterKey(job.cluster), own, own.is(operationId, 'lease', 'operationId')),
        table.put(jobItem(job), `NOT (${names.is(operationId, 'lease', 'operationId')})`, names),
      ]);
      if (failed?.[0]) throw new Superseded(`${operationId} does not hold the lease of cluster ${job.cluster}`);
    },

    async releaseLease(resource, operationId) {
      const names = new Placeholders();
      await table.update(leaseKey(resource), names, ...removal(names, operationId));
    },

    async updateCluster(name, operationId, change) {
      const names = new Placeholders();
      const update = names.update({ ...change, updatedAt: now().toISOString() });
      const item = await table.update(clusterKey(name), names, update, names.is(operationId, 'lease', 'operationId'));
      if (!item) throw new Superseded(`${operationId} does not hold the lease of cluster ${name}`);
      return readCluster(item);
    },

    async updateReserve(name, operationId, reserve) {
      const names = new Placeholders();
      const update = names.update({ reserve, updatedAt: now().toISOString() });
      if (!(await table.update(clusterKey(name), names, update, names.is(operationId, 'reserve', 'by'))))
        throw new Superseded(`the reserve of cluster ${name} is not ${operationId}'s`);
    },

    async updateJob(cluster, name, operationId, change, epoch) {
      const names = new Placeholders();
      const update = names.update({ updatedAt: now().toISOString(), ...change });
      const held = names.is(operationId, 'lease', 'operationId');
      const condition = epoch === undefined ? held : `${held} AND ${names.is(epoch, 'epoch')}`;
      const item = await table.update(jobKey(cluster, name), names, update, condition);
      if (!item) throw new Superseded(`${operationId} does not hold the lease of job ${name} on cluster ${cluster}, or not at this epoch`);
      return readJob(item);
    },

    recordFault: (cluster, epoch, fault) => recordSeen(cluster, epoch, { fault }),
    recordHome: (cluster, epoch, home) => recordSeen(cluster, epoch, { home }),
    recordHeldShift: (cluster, heldShift) => recordSeen(cluster, heldShift.epoch, { heldShift }),

    async beginTurn(cluster, turn) {
      const names = new Placeholders();
      const update = names.update({ turn: turn + 1 });
      return (await table.update(clusterKey(cluster), names, update, `${PRESENT} AND ${isTurn(turn, names)}`)) !== undefined;
    },

    // A region has six zones at most.
    shiftedZones: async () => (await table.list({ partition: ZONES }, { limit: 100 }, readShiftedZone)).items,

    async recordShift(shifted) {
      const names = new Placeholders();
      return table.replace(shiftedZoneItem(shifted), `${ABSENT} OR ${names.name('saidAt')} < ${names.value(shifted.saidAt)}`, names);
    },

    async recordJobSeen(cluster, name, epoch, { status, statusReason }) {
      const names = new Placeholders();
      const at = now().toISOString();
      const update = names.update({ status, statusReason, updatedAt: at });
      const nobodyHolds = `(${names.is(undefined, 'lease')} OR ${names.name('lease', 'until')} < ${names.value(at)})`;
      return (await table.update(jobKey(cluster, name), names, update, `${names.is(epoch, 'epoch')} AND ${nobodyHolds}`)) !== undefined;
    },

    async recordAlarm(cluster, name, kind, seen) {
      // A map of its own first, because DynamoDB sets a field only in a map that is there.
      const made = new Placeholders();
      const map = made.name('alarms');
      await table.update(jobKey(cluster, name), made, `SET ${map} = if_not_exists(${map}, ${made.value({})})`, PRESENT);
      const names = new Placeholders();
      const update = `SET ${names.name('alarms', kind)} = ${names.value(seen)}`;
      const newer = `(${names.is(undefined, 'alarms', kind)} OR ${names.name('alarms', kind, 'since')} < ${names.value(seen.since)})`;
      return (await table.update(jobKey(cluster, name), names, update, `${PRESENT} AND ${newer}`)) !== undefined;
    },

    async forgetAlarms(cluster, name, kinds) {
      const names = new Placeholders();
      const update = `REMOVE ${kinds.map((kind) => names.name('alarms', kind)).join(', ')}`;
      return (await table.update(jobKey(cluster, name), names, update, `attribute_exists(${names.name('alarms')})`)) !== undefined;
    },

    async recordDecision(cluster, name, epoch, decision, previous) {
      const names = new Placeholders();
      const update = names.update({ lastDecision: decision });
      const condition = [
        names.is(epoch, 'epoch'),
        names.is(previous?.at, 'lastDecision', 'at'),
        names.is(previous?.operationId, 'lastDecision', 'operationId'),
      ].join(' AND ');
      return (await table.update(jobKey(cluster, name), names, update, condition)) !== undefined;
    },

    async putSnapshot(snapshot) {
      // The first record of a location stays: a repeated task must not move it up the list.
      await table.transact([table.put(snapshotItem(snapshot), ABSENT)]);
    },

    async deleteSnapshot(cluster, job, location) {
      await table.transact([table.delete(snapshotKey(cluster, job, location))]);
    },
  };
};

/** When DynamoDB removes an operation that has ended; seconds since 1970. */
const forgottenAt = (endedAt: string): number => Math.floor(Date.parse(endedAt) / 1_000) + ENDED_OPERATION_DAYS * DAY_SECONDS;

/** Something of the cluster can be changed. */
const isUsable = (names: Placeholders): string => `${names.is('RUNNING', 'desired')} AND ${names.is('RUNNING', 'status')}`;

/**
 * The stored job is still the one that `previous` was read from. `desired` and `latestSavepoint` are compared too: a cancellation takes no lease, and a
 * savepoint may have been taken, lease released, or an alarm been raised between the reading and the writing; none must be overwritten.
 */
const unchangedSince = (previous: Job, names: Placeholders): string =>
  [
    names.is(previous.epoch, 'epoch'),
    names.is(previous.revision, 'revision'),
    names.is(previous.desired, 'desired'),
    names.is(previous.latestSavepoint, 'latestSavepoint'),
    names.is(previous.alarms, 'alarms'),
    ...(previous.lease
      ? [names.is(previous.lease.operationId, 'lease', 'operationId'), names.is(previous.lease.until, 'lease', 'until')]
      : [names.is(undefined, 'lease')]),
  ].join(' AND ');

/** Before the first turn there is none. */
const isTurn = (turn: number, names: Placeholders): string => names.is(turn === 0 ? undefined : turn, 'turn');

/** What a decision about a reserve, or about a move that takes it over, was made of. */
const sameReserve = ({ reserve }: Cluster, names: Placeholders): string =>
  reserve === undefined
    ? names.is(undefined, 'reserve')
    : [
        names.is(reserve.epoch, 'reserve', 'epoch'),
        names.is(reserve.status, 'reserve', 'status'),
        names.is(reserve.by, 'reserve', 'by'),
      ].join(' AND ');

const describeTarget = ({ cluster, job }: LeaseTarget): string =>
  job === undefined ? `cluster ${cluster}` : `job ${job} on cluster ${cluster}`;
