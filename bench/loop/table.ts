import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export interface CountedTable {
  readonly client: DynamoDBDocumentClient;
  readonly put: (item: Record<string, unknown>) => void;
  /** What was asked for since the last call of this, in DynamoDB's units. */
  readonly taken: () => { readonly calls: number; readonly readUnits: number; readonly writeUnits: number };
}

const bytesOf = (item: unknown): number =>
  Object.entries(item as object).reduce(
    (sum, [name, value]) =>
      sum + name.length + (value instanceof Uint8Array ? value.byteLength : Buffer.byteLength(JSON.stringify(value) ?? '')),
    0,
  );

/** A table in memory behind the SDK's interface: what the real adapters ask of it is counted and answered. A strongly consistent read unit is 4 KB, a write unit 1 KB. */
export const countedTable = (): CountedTable => {
  const items = new Map<string, Record<string, unknown>>();
  const keyOf = ({ pk, sk }: Record<string, unknown>): string => `${pk}\n${sk}`;
  let [calls, readUnits, writeUnits] = [0, 0, 0];
  const read = (found: readonly unknown[]): void => {
    readUnits += Math.max(1, Math.ceil(found.reduce<number>((sum, item) => sum + bytesOf(item), 0) / 4_096));
  };
  const send = async (command: {
    readonly constructor: { readonly name: string };
    readonly input: Record<string, never>;
  }): Promise<unknown> => {
    calls += 1;
    const input = command.input as Record<string, Record<string, unknown>>;
    switch (command.constructor.name) {
      case 'GetCommand': {
        const Item = items.get(keyOf(input.Key ?? {}));
        read(Item ? [Item] : []);
        return { Item };
      }
      case 'QueryCommand': {
        const values = Object.values(input.ExpressionAttributeValues ?? {}).map(String);
        const Items = [...items.values()].filter((item) => item.pk === values[0] && String(item.sk).startsWith(values[1] ?? ''));
        read(Items);
        return { Items };
      }
      case 'PutCommand':
        items.set(keyOf(input.Item ?? {}), input.Item ?? {});
        writeUnits += Math.ceil(bytesOf(input.Item) / 1_024);
        return {};
      default:
        writeUnits += 1;
        return { Attributes: {} };
    }
  };
  return {
    client: { send } as unknown as DynamoDBDocumentClient,
    put: (item) => items.set(keyOf(item), item),
    taken: () => {
      const taken = { calls, readUnits, writeUnits };
      [calls, readUnits, writeUnits] = [0, 0, 0];
      return taken;
    },
  };
};
