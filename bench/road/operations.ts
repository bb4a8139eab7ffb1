import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { OperationView } from '../../lambdas/contracts/api';
import { FUNCTIONS } from '../../lib/config/functions';
import type { SluiceClient } from '../../local/client/sluice-client';
import { CLUSTER } from '../../local/demo/road';
import { NOTHING, type Use } from '../prices';
import { rounded } from '../statistics';
import type { AwsCalls } from './aws-calls';
import { type Invocation, invocationsSince } from './invocations';
import type { Jar } from './jar';
import { program } from './submissions';

const WRITES = ['PutItem', 'UpdateItem', 'DeleteItem'];
const TRANSACTION = 'TransactWriteItems';
const READS = ['GetItem', 'Query'];
/** Most items in one transaction of the store: operation, cluster, job and its counter. */
const TRANSACTION_ITEMS = 4;
const PATIENCE_MS = 120_000;

export interface OperationCost {
  readonly kind: string;
  readonly seconds: number;
  readonly transitions: number;
  readonly invocations: number;
  /** Sum of the functions' durations as measured, nearly all warm, ms. */
  readonly functionMs: number;
  /** Different functions that took part: each is counted as started cold once. */
  readonly functions: readonly string[];
  readonly use: Use;
}

/** Steps of a workflow that were executed: each state entered, and each try after a task's first. */
export const transitionsIn = (history: readonly Pick<HistoryEvent, 'type'>[]): number => {
  const count = (pattern: RegExp): number => history.filter(({ type }) => pattern.test(type ?? '')).length;
  const tries = count(/^(TaskScheduled|LambdaFunctionScheduled)$/);
  return count(/StateEntered$/) + Math.max(0, tries - count(/^TaskStateEntered$/));
};

export const gbSeconds = ({ functionName, durationMs }: Pick<Invocation, 'functionName' | 'durationMs'>): number =>
  ((FUNCTIONS[functionName]?.memoryMiB ?? 0) / 1_024) * (durationMs / 1_000);

/** Runs one operation after the other and adds up what each uses. Nobody else may use the control plane meanwhile. */
export class OperationMeter {
  readonly costs: OperationCost[] = [];
  private before: Readonly<Record<string, number>> = {};

  constructor(
    private readonly client: SluiceClient,
    private readonly aws: AwsCalls,
    private readonly progress: (line: string) => void,
  ) {}

  async begin(): Promise<void> {
    await this.aws.countTableCalls([...WRITES, TRANSACTION, ...READS]);
  }

  /** Followed through Step Functions, so that following uses neither the API nor the table. @throws when it does not succeed */
  async measure(accept: () => Promise<OperationView>): Promise<void> {
    this.before = await this.aws.tableCalls();
    const since = Date.now();
    const { kind, operationId, cluster } = await accept();
    while (await this.aws.isRunning(kind, operationId)) {
      if (Date.now() - since > PATIENCE_MS) throw new Error(`${kind} has not ended after ${PATIENCE_MS / 1_000} s`);
      await sleep(250);
    }
    const after = await this.aws.tableCalls();
    const operation = await this.client.operation(cluster, operationId);
    if (operation.status !== 'SUCCEEDED') throw new Error(`${kind} is ${operation.status}: ${operation.reason}`);
    const runs = (await invocationsSince(this.aws, since)).filter((run) => run.operationId === operationId);
    const transitions = transitionsIn(await this.aws.historyOf(kind, operationId));
    const cost: OperationCost = {
      kind,
      seconds: rounded((Date.parse(operation.endedAt ?? operation.requestedAt) - Date.parse(operation.requestedAt)) / 1_000, 1),
      transitions,
      invocations: runs.length,
      functionMs: runs.reduce((sum, run) => sum + run.durationMs, 0),
      functions: [...new Set(runs.map((run) => run.functionName))],
      use: {
        ...NOTHING,
        transitions,
        invocations: runs.length,
        gbSeconds: runs.reduce((sum, run) => sum + gbSeconds(run), 0),
        apiCalls: 1,
        logBytes: runs.reduce((sum, run) => sum + run.logBytes, 0),
        traces: 2,
        ...this.tableUnits(after, operation),
      },
    };
    this.costs.push(cost);
    this.progress(`${kind}: ${transitions} transitions, ${runs.length} invocations, ${cost.functionMs} ms in functions`);
  }

  /** From above: every write as large as the operation is in the end, and written to the index too. */
  private tableUnits(after: Readonly<Record<string, number>>, operation: OperationView): Pick<Use, 'tableWriteUnits' | 'tableReadUnits'> {
    const calls = (actions: readonly string[]): number =>
      actions.reduce((sum, action) => sum + (after[action] ?? 0) - (this.before[action] ?? 0), 0);
    const bytes = Buffer.byteLength(JSON.stringify(operation));
    const unitsAWrite = 2 * Math.ceil(bytes / 1_024);
    return {
      tableWriteUnits: (calls(WRITES) + 2 * TRANSACTION_ITEMS * calls([TRANSACTION])) * unitsAWrite,
      tableReadUnits: calls(READS) * Math.ceil(bytes / 4_096),
    };
  }
}

/** One operation of each kind, on a cluster of its own; `old` is a cluster without jobs, which is terminated. */
export const meterEachKind = async (meter: OperationMeter, client: SluiceClient, old: string, jar: Jar): Promise<void> => {
  const cluster = 'metered';
  const job = 'count';
  await meter.begin();
  await meter.measure(() => client.terminateCluster(old, 'cancel'));
  await meter.measure(() => client.launchCluster({ ...CLUSTER, name: cluster }));
  await meter.measure(() => client.submitJob(cluster, { name: job, ...program(jar) }));
  await meter.measure(() => client.changeJob(cluster, job, 'savepoints'));
  await meter.measure(() => client.changeJob(cluster, job, 'rescale', { parallelism: 2 }));
  await meter.measure(() => client.changeJob(cluster, job, 'upgrade', { parallelism: 1 }));
  await meter.measure(() => client.changeJob(cluster, job, 'stop'));
};
