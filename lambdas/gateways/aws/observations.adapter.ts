import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type JobRecord, jobRecord, type LoadPoint, storedDecision } from '../../contracts/observation';
import { type PastRescale, pastRescale } from '../../contracts/scaling';
import { decisionKey } from '../../domain/state-paths';
import { hasCode, unless } from './aws-errors';
import type { ObservationStorePort } from './observations.port';
import { compress, decompress } from './store/compressed';
import { Placeholders } from './store/expressions';
import type { StoredItem } from './store/items';
import { jobsPartition, loadKey, observationKey, rescaleKey } from './store/keys';
import { type ReportUnreadable, Table } from './store/table';
import type { Page } from './store.port';

const DAY_MS = 86_400_000;
const SLOT_MS = 600_000;
const KEPT_DAYS = { observation: 30, rescale: 30, load: 35 };
const HISTORY = 200;
/** Raised when a stored observation can no longer be read: the next pass then starts anew instead of never. */
const FORMAT = 1;

export interface ObservationTableDependencies {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly now: () => Date;
  /** @default a line of JSON on stderr, which is the function's log */
  readonly reportUnreadable?: ReportUnreadable;
}

type Decisions = Pick<ObservationStorePort, 'putDecision' | 'decision'>;
export type ObservationTable = Omit<ObservationStorePort, keyof Decisions>;

const expiry = (at: string, days: number): number => Math.floor((Date.parse(at) + days * DAY_MS) / 1_000);
/** `p000` to `p143`: one attribute for each ten minutes of a UTC day, so that each is raised by one conditional write. */
const slotName = (from: string): string => `p${String(Math.floor((Date.parse(from) % DAY_MS) / SLOT_MS)).padStart(3, '0')}`;

const readRecord = (item: StoredItem): JobRecord | undefined =>
  item.format === FORMAT ? jobRecord.parse(decompress(item.record)) : undefined;

const readRescale = ({ rescale, runningAt, measured }: StoredItem): PastRescale =>
  pastRescale.parse({
    ...(decompress(rescale) as object),
    ...(runningAt === undefined ? {} : { runningAt }),
    measured: measured === undefined ? null : decompress(measured),
  });

const readLoads = (item: StoredItem): LoadPoint[] =>
  Object.entries(item)
    .flatMap(([name, rate]) => (/^p\d{3}$/.test(name) && typeof rate === 'number' ? [{ slot: Number(name.slice(1)), rate }] : []))
    .sort((a, b) => a.slot - b.slot)
    .map(({ slot, rate }) => ({ from: new Date(Date.parse(String(item.sk)) + slot * SLOT_MS).toISOString(), recordsPerSecond: rate }));

/** The part in DynamoDB, which is all that a function in the VPC needs. */
export const createObservationTable = ({
  client,
  tableName,
  now,
  reportUnreadable = (report) => console.error(JSON.stringify({ level: 'ERROR', ...report })),
}: ObservationTableDependencies): ObservationTable => {
  const table = new Table(client, tableName, reportUnreadable);
  const everyPage = async <T>(prefix: string, partition: string, read: (item: StoredItem) => T): Promise<readonly T[]> => {
    const found: T[] = [];
    let after: string | undefined;
    do {
      const page: Page<T> = await table.list({ partition, prefix }, { limit: 1_000, ...(after ? { after } : {}) }, read);
      found.push(...page.items);
      after = page.next;
    } while (after);
    return found;
  };

  return {
    latest: (cluster, job) => table.get(observationKey(cluster, job), readRecord),

    async latestOf(cluster) {
      const found = await everyPage('OBSERVATION#', jobsPartition(cluster), readRecord);
      return found.flatMap((record) => record ?? []);
    },

    put(record, ifObservedBefore) {
      const { cluster, job, observedAt } = record;
      const item = {
        ...observationKey(cluster, job),
        observedAt,
        format: FORMAT,
        record: compress(record),
        ttl: expiry(observedAt, KEPT_DAYS.observation),
      };
      const names = new Placeholders();
      const condition =
        ifObservedBefore === undefined
          ? `attribute_not_exists(pk) OR ${names.name('format')} <> ${names.value(FORMAT)}`
          : names.is(ifObservedBefore, 'observedAt');
      return table.replace(item, condition, names);
    },

    async history(cluster, job) {
      const { items } = await table.list(
        { partition: rescaleKey(cluster, job, '').pk, newestFirst: true },
        { limit: HISTORY },
        readRescale,
      );
      return [...items].reverse();
    },

    async appendRescale(cluster, job, { runningAt, measured, ...rescale }) {
      const item = {
        ...rescaleKey(cluster, job, rescale.at),
        rescale: compress(rescale),
        ...(runningAt === undefined ? {} : { runningAt }),
        ...(measured === null ? {} : { measured: compress(measured) }),
        ttl: expiry(rescale.at, KEPT_DAYS.rescale),
      };
      await table.replace(item, 'attribute_not_exists(pk)');
    },

    async markRescale(cluster, job, at, { runningAt, measured }) {
      const names = new Placeholders();
      const update = names.update({
        ...(runningAt === undefined ? {} : { runningAt }),
        ...(measured ? { measured: compress(measured) } : {}),
      });
      if (update === '') return (await table.get(rescaleKey(cluster, job, at), () => true)) ?? false;
      return (await table.update(rescaleKey(cluster, job, at), names, update, 'attribute_exists(pk)')) !== undefined;
    },

    async recordLoad(cluster, job, { from, recordsPerSecond }) {
      const names = new Placeholders();
      const slot = slotName(from);
      const update = names.update({ [slot]: recordsPerSecond, ttl: expiry(from, KEPT_DAYS.load) });
      const higher = `${names.is(undefined, slot)} OR ${names.name(slot)} < ${names.value(recordsPerSecond)}`;
      await table.update(loadKey(cluster, job, from.slice(0, 10)), names, update, higher);
    },

    async load(cluster, job, days) {
      const first = new Date(now().getTime() - days * DAY_MS).toISOString().slice(0, 10);
      const partition = loadKey(cluster, job, '').pk;
      const { items } = await table.list({ partition, newestFirst: true }, { limit: days + 1 }, (item) => item);
      return items
        .filter(({ sk }) => String(sk) >= first)
        .reverse()
        .flatMap(readLoads);
    },
  };
};

const createDecisions = ({ s3, bucket }: { readonly s3: S3Client; readonly bucket: string }): Decisions => ({
  async putDecision(operationId, decision, onlyFirst = false) {
    const Key = decisionKey(decision.inputs.observed.job.cluster, operationId);
    const object = { Bucket: bucket, Key, Body: compress(decision), ContentType: 'application/gzip' };
    const put = s3.send(new PutObjectCommand({ ...object, ...(onlyFirst ? { IfNoneMatch: '*' } : {}) }));
    // The second: S3 is just writing another's.
    return (await unless(['PreconditionFailed', 'ConditionalRequestConflict'], put)) !== undefined;
  },

  async decision(cluster, operationId) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: decisionKey(cluster, operationId) }));
      return Body && storedDecision.parse(decompress(await Body.transformToByteArray()));
    } catch (error) {
      if (hasCode(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  },
});

/** All of it: what is small in DynamoDB, decisions (with their inputs up to a few MB) in the state bucket. */
export const createObservations = (
  dependencies: ObservationTableDependencies & { readonly s3: S3Client; readonly bucket: string },
): ObservationStorePort => ({ ...createObservationTable(dependencies), ...createDecisions(dependencies) });
