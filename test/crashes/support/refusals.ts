import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectFlink } from '../../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../../lambdas/gateways/flink/flink.port';
import { connectFlinkMetrics } from '../../../lambdas/gateways/flink/metrics.adapter';
import type { FlinkMetricsPort } from '../../../lambdas/gateways/flink/metrics.port';

/** A job as Flink's list of jobs has it. */
export interface ListedJob {
  readonly flinkJobId: string;
  readonly name: string;
  readonly running: number;
}
type Answer = { readonly status: number; readonly body: unknown } | 'nothing';

const refusal = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } });
const exception = (message: string): string =>
  `org.apache.flink.runtime.rest.handler.RestHandlerException: ${message}\n\tat org.apache.flink.runtime.rest.handler.AbstractHandler.handle(AbstractHandler.java:1)`;
const NOT_FOUND = refusal(404, exception('Job ab could not be found'));
const listOf = (jobs: readonly ListedJob[]): Answer => ({
  status: 200,
  body: {
    jobs: jobs.map(({ flinkJobId, name, running }) => ({
      jid: flinkJobId,
      name,
      state: 'RUNNING',
      'start-time': 0,
      tasks: { total: running, running, finished: 0 },
    })),
  },
});

/** Ways in which a JobManager does not do what it is asked, with what it answers to one request. */
const WAYS = {
  'answers 404': () => NOT_FOUND,
  'answers 404 to what it is asked about a job that it lists': (path: string, jobs: readonly ListedJob[]) =>
    path === '/jobs/overview' ? listOf(jobs) : NOT_FOUND,
  'does not know the job': (path: string) => (path === '/jobs/overview' ? listOf([]) : NOT_FOUND),
  // Flink's Dispatcher, where an earlier change of the requirements is still being stored; the `%s` is its own.
  'answers 409': (path: string) =>
    refusal(
      409,
      exception(
        path.endsWith('/resource-requirements')
          ? 'Another update to the job [%s] resource requirements is in progress.'
          : 'The request conflicts with the state of the job',
      ),
    ),
  'answers 500': () => refusal(500, 'Internal server error.', exception('Could not do it')),
  'answers nothing': (): Answer => 'nothing',
} as const satisfies Record<string, (path: string, jobs: readonly ListedJob[]) => Answer>;
export type Refusal = keyof typeof WAYS;
export const REFUSALS = Object.keys(WAYS) as readonly Refusal[];

/** A JobManager that does nothing that it is asked, and what Sluice's own clients make of it. */
export class RefusingJobManager {
  way: Refusal = 'answers nothing';
  /** Jobs that it lists, where it lists any. */
  jobs: readonly ListedJob[] = [];
  private readonly server: Server = createServer((incoming, outgoing) => {
    incoming.resume().once('end', () => {
      const answer: Answer = WAYS[this.way](incoming.url ?? '', this.jobs);
      if (answer === 'nothing') outgoing.destroy();
      else outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });

  async start(): Promise<{ readonly flink: FlinkPort; readonly metrics: FlinkMetricsPort }> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    const { port } = this.server.address() as AddressInfo;
    return { flink: connectFlink({ port })(['127.0.0.1']), metrics: connectFlinkMetrics({ port })(['127.0.0.1']) };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
