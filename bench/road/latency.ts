import { randomUUID } from 'node:crypto';
import type { OperationView } from '../../lambdas/contracts/api';
import type { JobInput, SluiceClient } from '../../local/client/sluice-client';
import { percentile, rounded } from '../statistics';
import type { AwsCalls } from './aws-calls';
import { invocationsSince } from './invocations';
import type { Jar } from './jar';
import { program } from './submissions';

const WARM_UP = 5;

export interface RouteLatency {
  readonly route: string;
  readonly calls: number;
  /** As the caller sees it: signature, emulated API Gateway and function. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** The function's own duration, from its REPORT lines (whole milliseconds). */
  readonly functionP50Ms: number;
  readonly functionP95Ms: number;
}

interface RouteClass {
  readonly route: string;
  readonly functionName: string;
  readonly expected: number;
  readonly call: () => Promise<{ readonly status: number }>;
}

/** Warm calls, one after the other, for each class of routes. */
export const routeLatencies = async (
  { client, aws, cluster, jar }: { client: SluiceClient; aws: AwsCalls; cluster: string; jar: Jar },
  calls: number,
  progress: (line: string) => void,
): Promise<RouteLatency[]> => {
  const job: JobInput = { name: 'latency', ...program(jar) };
  const options = { body: job, idempotencyKey: randomUUID() };
  const jobs = `/clusters/${cluster}/jobs`;
  const first = await client.call<OperationView>('POST', jobs, options);
  if (first.status !== 202) throw new Error(`POST ${jobs} answered ${first.status}: ${JSON.stringify(first.body)}`);
  await client.succeeded(first.body);
  const get = (route: string, functionName: string, path: string): RouteClass => ({
    route,
    functionName,
    expected: 200,
    call: () => client.call('GET', path),
  });
  const classes: RouteClass[] = [
    get('GET clusters', 'api-list-clusters', '/clusters'),
    get('GET operation', 'api-describe-operation', `/clusters/${cluster}/operations/${first.body.operationId}`),
    get('GET cluster (asks Flink)', 'api-describe-cluster', `/clusters/${cluster}`),
    get('GET job (asks Flink)', 'api-describe-job', `${jobs}/${job.name}`),
    {
      route: 'POST job, invalid',
      functionName: 'api-submit-job',
      expected: 422,
      call: () => client.call('POST', jobs, { body: { name: 'x', unknown: 1 } }),
    },
    {
      route: 'POST job, repeated key',
      functionName: 'api-submit-job',
      expected: 202,
      call: () => client.call('POST', jobs, options),
    },
  ];
  const found: RouteLatency[] = [];
  for (const one of classes) {
    found.push(await measure(aws, one, calls));
    const { route, p50Ms, p95Ms } = found.at(-1) as RouteLatency;
    progress(`${route}: p50 ${p50Ms} ms, p95 ${p95Ms} ms`);
  }
  await client.succeeded(await client.changeJob(cluster, job.name, 'cancel'));
  return found;
};

const measure = async (aws: AwsCalls, { route, functionName, expected, call }: RouteClass, calls: number): Promise<RouteLatency> => {
  for (let turn = 0; turn < WARM_UP; turn += 1) await call();
  const since = Date.now();
  const times: number[] = [];
  for (let turn = 0; turn < calls; turn += 1) {
    const started = performance.now();
    const { status } = await call();
    times.push(performance.now() - started);
    if (status !== expected) throw new Error(`${route} answered ${status}, not ${expected}`);
  }
  const own = (await invocationsSince(aws, since, [functionName])).map(({ durationMs }) => durationMs);
  return {
    route,
    calls,
    p50Ms: rounded(percentile(times, 0.5)),
    p95Ms: rounded(percentile(times, 0.95)),
    functionP50Ms: percentile(own, 0.5),
    functionP95Ms: percentile(own, 0.95),
  };
};
