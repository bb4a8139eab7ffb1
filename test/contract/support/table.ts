import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';

let tables = 0;

/** A new table like the one of `lib/stacks/storage-stack.ts`, in the emulator that the environment points at. */
export const createTable = async (): Promise<string> => {
  const tableName = `contract-${process.pid}-${Date.now()}-${++tables}`;
  const attributes = ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const }));
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  await new DynamoDBClient({}).send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: attributes,
      KeySchema: keys('pk', 'sk'),
      GlobalSecondaryIndexes: [{ IndexName: 'gsi1', KeySchema: keys('gsi1pk', 'gsi1sk'), Projection: { ProjectionType: 'ALL' } }],
    }),
  );
  return tableName;
};
