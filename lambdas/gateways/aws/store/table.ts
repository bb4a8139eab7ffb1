import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { AwsUnavailable, InvalidRequest } from '../../../contracts/errors';
import { hasCode } from '../aws-errors';
import type { Page, PageRequest } from '../store.port';
import { Placeholders } from './expressions';
import type { StoredItem } from './items';
import { foreignCursor, fromCursor, INDEX, type Key, toCursor } from './keys';

export type TransactionPart = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
/** Why each part of a transaction was refused, in their order: `ConditionalCheckFailed`, `TransactionConflict`, `None`, … */
type CancellationReasons = readonly { readonly Code?: string }[];

/** Two transactions on one item cancel each other; DynamoDB leaves the retry to its client. Five tries spread over about half a second. */
const CONFLICT_TRIES = 5;
const CONFLICT_PAUSE_MS = 100;

export interface ListRequest {
  readonly partition: string;
  /** Only sort keys that begin so; base table only. */
  readonly prefix?: string;
  readonly index?: { /** Rebuilds the base key of the item that a cursor names. */ readonly baseKey: (indexSortKey: string) => Key };
  readonly newestFirst?: boolean;
}

/** An item that does not fit its schema: reported, and left out of a list, so that one bad item does not hide all others. */
export type ReportUnreadable = (report: {
  readonly message: string;
  readonly pk: unknown;
  readonly sk: unknown;
  readonly error: string;
}) => void;

/** The table's operations with strong reads, conditions as answers, and transactions that are tried again on conflict. */
export class Table {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly tableName: string,
    private readonly reportUnreadable: ReportUnreadable,
  ) {}

  async get<T>(key: Key, read: (item: StoredItem) => T): Promise<T | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.tableName, Key: key, ConsistentRead: true }));
    return Item && read(Item);
  }

  /** The item as it is afterwards, or undefined when the condition did not hold. */
  async update(key: Key, placeholders: Placeholders, update: string, condition: string): Promise<StoredItem | undefined> {
    try {
      const { Attributes } = await this.client.send(
        new UpdateCommand({
          TableName: this.tableName,
          Key: key,
          UpdateExpression: update,
          ConditionExpression: condition,
          ...placeholders.parts(),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (hasCode(error, 'ConditionalCheckFailedException')) return undefined;
      throw error;
    }
  }

  /** Writes a whole item; false when the condition did not hold. Costs half of what a transaction does. */
  async replace(item: StoredItem, condition: string, placeholders = new Placeholders()): Promise<boolean> {
    try {
      await this.client.send(
        new PutCommand({ TableName: this.tableName, Item: item, ConditionExpression: condition, ...placeholders.parts() }),
      );
      return true;
    } catch (error) {
      if (hasCode(error, 'ConditionalCheckFailedException')) return false;
      throw error;
    }
  }

  /** Undefined when all was written; else whether the condition of each part failed. Nothing was written then. */
  async transact(parts: readonly TransactionPart[]): Promise<readonly boolean[] | undefined> {
    for (let attempt = 1; ; attempt++) {
      const reasons = await this.tryTransaction(parts);
      if (reasons === undefined) return undefined;
      const failed = reasons.map(({ Code }) => Code === 'ConditionalCheckFailed');
      if (failed.includes(true)) return failed;
      if (attempt === CONFLICT_TRIES)
        throw new AwsUnavailable(`The table refused a transaction ${attempt} times: ${reasons.map(({ Code }) => Code).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * CONFLICT_PAUSE_MS * attempt));
    }
  }

  put(item: StoredItem, condition?: string, placeholders = new Placeholders()): TransactionPart {
    return {
      Put: {
        TableName: this.tableName,
        Item: item,
        ...(condition === undefined ? {} : { ConditionExpression: condition }),
        ...placeholders.parts(),
      },
    };
  }
  change(key: Key, placeholders: Placeholders, update: string, condition: string): TransactionPart {
    return {
      Update: { TableName: this.tableName, Key: key, UpdateExpression: update, ConditionExpression: condition, ...placeholders.parts() },
    };
  }
  check(key: Key, placeholders: Placeholders, condition: string): TransactionPart {
    return { ConditionCheck: { TableName: this.tableName, Key: key, ConditionExpression: condition, ...placeholders.parts() } };
  }
  delete(key: Key): TransactionPart {
    return { Delete: { TableName: this.tableName, Key: key } };
  }

  async list<T>(request: ListRequest, { limit, after }: PageRequest, read: (item: StoredItem) => T): Promise<Page<T>> {
    const sortKey = request.index ? 'gsi1sk' : 'sk';
    const found: StoredItem[] = [];
    let from = after === undefined ? undefined : startKey(request, fromCursor(after));
    // One item more than asked tells whether there is a next page.
    do {
      const { Items = [], LastEvaluatedKey } = await this.client.send(
        new QueryCommand(this.query(request, limit + 1 - found.length, from)),
      );
      found.push(...Items);
      from = LastEvaluatedKey;
    } while (from && found.length <= limit);
    const page = found.slice(0, limit);
    const last = page.at(-1)?.[sortKey];
    return {
      items: page.flatMap((item) => this.readable(item, read)),
      ...(found.length > limit && typeof last === 'string' ? { next: toCursor(last) } : {}),
    };
  }

  /** Reads an item of a list: none when it does not fit its schema. */
  readable<T>(item: StoredItem, read: (item: StoredItem) => T): readonly T[] {
    try {
      return [read(item)];
    } catch (error) {
      this.reportUnreadable({
        message: 'A stored item does not fit its schema and is left out',
        pk: item.pk,
        sk: item.sk,
        error: String(error),
      });
      return [];
    }
  }

  private query({ partition, prefix, index, newestFirst }: ListRequest, limit: number, from: Record<string, unknown> | undefined) {
    const placeholders = new Placeholders();
    const conditions = [placeholders.is(partition, index ? 'gsi1pk' : 'pk')];
    if (prefix !== undefined) conditions.push(`begins_with(${placeholders.name('sk')}, ${placeholders.value(prefix)})`);
    return {
      TableName: this.tableName,
      // A global index is never strongly consistent.
      ...(index ? { IndexName: INDEX } : { ConsistentRead: true }),
      KeyConditionExpression: conditions.join(' AND '),
      ...placeholders.parts(),
      ScanIndexForward: !newestFirst,
      Limit: limit,
      ...(from ? { ExclusiveStartKey: from } : {}),
    };
  }

  private async tryTransaction(parts: readonly TransactionPart[]): Promise<CancellationReasons | undefined> {
    try {
      await this.client.send(new TransactWriteCommand({ TransactItems: [...parts] }));
      return undefined;
    } catch (error) {
      if (hasCode(error, 'TransactionCanceledException')) {
        const reasons = (error as { readonly CancellationReasons?: CancellationReasons }).CancellationReasons ?? [];
        refuseOversized(reasons.map((reason) => (reason as { readonly Message?: string }).Message ?? ''));
        return reasons;
      }
      refuseOversized([(error as Error).message]);
      throw error;
    }
  }
}

/** DynamoDB fails on a key that lies outside of what is listed. @throws InvalidRequest */
const startKey = ({ partition, prefix = '', index }: ListRequest, sortKey: string): Record<string, unknown> => {
  if (!sortKey.startsWith(prefix)) throw foreignCursor();
  return index ? { gsi1pk: partition, gsi1sk: sortKey, ...index.baseKey(sortKey) } : { pk: partition, sk: sortKey };
};

/** An item holds 400 KB: a spec with very long arguments or settings does not fit, which its author has to know. */
const refuseOversized = (messages: readonly string[]): void => {
  if (messages.some((message) => /item size .*exceed/i.test(message)))
    throw new InvalidRequest([
      { path: '', message: 'arguments and settings together are larger than 400 KB, which is what can be stored' },
    ]);
};
