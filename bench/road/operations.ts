import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import type { OperationView } from '../../lambdas/contracts/api';
import { FUNCTIONS } from '../../lib/config/functions';
import type { TwinFile } from '../../local/twin/twin-file';
import { rounded } from '../statistics';
import { priceOf } from './prices';

export interface OperationFigures {
  readonly kind: string;
  readonly seconds: number;
  /** States entered: what Step Functions bills. */
  readonly transitions: number;
  readonly invocations: number;
  /** From a task's scheduling to its success, so a little more than what Lambda would bill. */
  readonly functionMs: number;
  readonly dollars: number;
}

/** Every workflow function has this much but two that carry jars. */
const MEMORY_MIB = Math.max(512, ...[FUNCTIONS['begin-operation']?.memoryMiB ?? 512]);

const history = async (twin: TwinFile, { kind, operationId }: Pick<OperationView, 'kind' | 'operationId'>): Promise<HistoryEvent[]> => {
  const sfn = new SFNClient({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials });
  const executionArn = `arn:aws:states:${twin.region}:${twin.account}:execution:sluice-${twin.stage}-${kind}:${operationId}`;
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000, ...(nextToken ? { nextToken } : {}) }));
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return events;
};

/** What one operation has used, from its execution's history, and its price. */
export const measureOperation = async (twin: TwinFile, operation: OperationView): Promise<OperationFigures> => {
  const events = await history(twin, operation);
  const transitions = events.filter(({ type }) => type?.endsWith('StateEntered')).length;
  let scheduled = 0;
  let functionMs = 0;
  let invocations = 0;
  for (const { type, timestamp } of events) {
    if (type === 'TaskScheduled' || type === 'LambdaFunctionScheduled') {
      scheduled = timestamp?.getTime() ?? 0;
      invocations += 1;
    } else if (/^(Task|LambdaFunction)(Succeeded|Failed)$/.test(type ?? '')) functionMs += (timestamp?.getTime() ?? 0) - scheduled;
  }
  const ended = operation.endedAt === undefined ? Date.now() : Date.parse(operation.endedAt);
  return {
    kind: operation.kind,
    seconds: rounded((ended - Date.parse(operation.requestedAt)) / 1_000, 1),
    transitions,
    invocations,
    functionMs,
    dollars: rounded(priceOf({ transitions, invocations, billedMs: functionMs, memoryMiB: MEMORY_MIB, apiRequests: 1 }), 6),
  };
};
