import { DescribeExecutionCommand, GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { control } from '../../local/client/control';
import { signedFetch } from '../../local/client/signed-fetch';
import type { TwinFile } from '../../local/twin/twin-file';

const logEvents = z.object({
  events: z.array(z.object({ timestamp: z.number(), message: z.string(), logStreamName: z.string() })),
});
const functionConfiguration = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.string()) }).optional() });
const faultRules = z.array(z.object({ action: z.string(), hits: z.number() }));

/** What is asked of AWS, not of the control plane, to see what an operation has used. */
export class AwsCalls {
  private readonly sfn: SFNClient;

  constructor(private readonly twin: TwinFile) {
    this.sfn = new SFNClient({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials });
  }

  /** Log lines of a function since an instant (ms); none when it was never called. */
  async logOf(functionName: string, since: number): Promise<z.infer<typeof logEvents>['events']> {
    const response = await signedFetch(
      { ...this.twin, service: 'logs' },
      {
        method: 'POST',
        url: new URL(`${this.twin.awsEndpoint}/`),
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.FilterLogEvents' },
        body: JSON.stringify({ logGroupName: `/aws/lambda/sluice-${this.twin.stage}-${functionName}`, startTime: since }),
      },
    );
    if (response.status === 400) return [];
    return logEvents.parse(await answerOf(response)).events;
  }

  async environmentOf(functionName: string): Promise<Readonly<Record<string, string>>> {
    const path = `/2015-03-31/functions/sluice-${this.twin.stage}-${functionName}/configuration`;
    const response = await signedFetch(
      { ...this.twin, service: 'lambda' },
      { method: 'GET', url: new URL(`${this.twin.awsEndpoint}${path}`) },
    );
    return functionConfiguration.parse(await answerOf(response)).Environment?.Variables ?? {};
  }

  async isRunning(kind: string, operationId: string): Promise<boolean> {
    const { status } = await this.sfn.send(new DescribeExecutionCommand({ executionArn: this.executionArn(kind, operationId) }));
    return status === 'RUNNING';
  }

  async historyOf(kind: string, operationId: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.sfn.send(
        new GetExecutionHistoryCommand({
          executionArn: this.executionArn(kind, operationId),
          maxResults: 1_000,
          includeExecutionData: false,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      events.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return events;
  }

  private executionArn(kind: string, operationId: string): string {
    const { region, account, stage } = this.twin;
    return `arn:aws:states:${region}:${account}:execution:sluice-${stage}-${kind}:${operationId}`;
  }

  /** Counts calls of DynamoDB from now on: the emulator counts how often a fault strikes, and a fault without an error does nothing else. */
  async countTableCalls(actions: readonly string[]): Promise<void> {
    await control(
      this.twin.awsEndpoint,
      'POST',
      'faults',
      actions.map((action) => ({ service: 'dynamodb', action })),
    );
  }

  /** Calls counted so far, by action. */
  async tableCalls(): Promise<Readonly<Record<string, number>>> {
    return Object.fromEntries(
      faultRules.parse(await control(this.twin.awsEndpoint, 'GET', 'faults')).map(({ action, hits }) => [action, hits]),
    );
  }
}

const answerOf = async (response: Response): Promise<unknown> => {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  return response.json();
};
