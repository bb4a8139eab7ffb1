import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { ClusterDescription, JobDescription, OperationView, Problem } from '../../lambdas/contracts/api';
import type { clusterSpec } from '../../lambdas/contracts/cluster';
import type { jobSpec } from '../../lambdas/contracts/job';
import { type Credentials, signedFetch } from './signed-fetch';

export type ClusterInput = z.input<typeof clusterSpec>;
export type JobInput = z.input<typeof jobSpec>;

export interface ApiAnswer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export class ApiError extends Error {
  constructor(
    readonly method: string,
    readonly path: string,
    readonly status: number,
    readonly body: Problem,
  ) {
    super(`${method} ${path} answered ${status}: ${JSON.stringify(body).slice(0, 2_000)}`);
    this.name = 'ApiError';
  }
}

/** An operation that ended otherwise than hoped. */
export class OperationFailed extends Error {
  constructor(readonly operation: OperationView) {
    super(
      `${operation.kind} of ${[operation.cluster, operation.job].filter(Boolean).join('/')} is ${operation.status}: ${operation.reason}`,
    );
    this.name = 'OperationFailed';
  }
}

export interface SluiceClientProps {
  readonly apiUrl: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** So long, ms, a read is asked for again while the API says that it may be. @default 5000 */
  readonly patienceMs?: number;
}

interface CallOptions {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly rawBody?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'CANCELED']);
/** Answers of the API, and of the gateway before it, after which the same question may be answered. */
const ASK_AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A small client of the control plane's API: signed calls, and waiting for an operation to end. */
export class SluiceClient {
  constructor(private readonly props: SluiceClientProps) {}

  /** Any call; also an error is an answer. */
  async call<T = unknown>(method: string, path: string, options: CallOptions = {}): Promise<ApiAnswer<T>> {
    const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await signedFetch(this.props, {
      method,
      url: new URL(`${this.props.apiUrl.replace(/\/$/, '')}${path}`),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (isJson && text !== '' ? JSON.parse(text) : text) as T };
  }

  /** @throws ApiError for an answer of 400 and above */
  private async ask<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const answer = await this.call<T>(method, path, options);
    if (answer.status >= 400) throw new ApiError(method, path, answer.status, answer.body as Problem);
    return answer.body;
  }

  /** The same for what changes nothing, asked for again while it may be. */
  private async read<T>(path: string): Promise<T> {
    const deadline = Date.now() + (this.props.patienceMs ?? 5_000);
    for (;;) {
      const answer = await this.call<T>('GET', path);
      if (answer.status < 400) return answer.body;
      if (!ASK_AGAIN.has(answer.status) || Date.now() > deadline) throw new ApiError('GET', path, answer.status, answer.body as Problem);
      await sleep(300);
    }
  }

  launchCluster(spec: ClusterInput, idempotencyKey?: string): Promise<OperationView> {
    return this.ask('POST', '/clusters', { body: spec, ...(idempotencyKey ? { idempotencyKey } : {}) });
  }

  /** @param patch JSON merge patch of its spec: null is the default */
  changeCluster(cluster: string, patch: object, idempotencyKey?: string): Promise<OperationView> {
    return this.ask('PATCH', `/clusters/${cluster}`, { body: patch, ...(idempotencyKey ? { idempotencyKey } : {}) });
  }

  terminateCluster(cluster: string, jobs: 'savepoint' | 'cancel' = 'savepoint'): Promise<OperationView> {
    return this.ask('DELETE', `/clusters/${cluster}?jobs=${jobs}`);
  }

  cluster(cluster: string): Promise<ClusterDescription> {
    return this.read(`/clusters/${cluster}`);
  }

  submitJob(cluster: string, spec: JobInput, idempotencyKey?: string): Promise<OperationView> {
    return this.ask('POST', `/clusters/${cluster}/jobs`, { body: spec, ...(idempotencyKey ? { idempotencyKey } : {}) });
  }

  job(cluster: string, job: string): Promise<JobDescription> {
    return this.read(`/clusters/${cluster}/jobs/${job}`);
  }

  changeJob(
    cluster: string,
    job: string,
    verb: 'stop' | 'cancel' | 'savepoints' | 'upgrade' | 'rescale',
    body: unknown = {},
  ): Promise<OperationView> {
    return this.ask('POST', `/clusters/${cluster}/jobs/${job}/${verb}`, { body });
  }

  operation(cluster: string, operationId: string): Promise<OperationView> {
    return this.read(`/clusters/${cluster}/operations/${operationId}`);
  }

  /**
   * Follows an operation to its end, whatever that is.
   * @param seen called with every state of it that was read
   * @throws when it has not ended after `seconds`; the message says where it stands
   */
  async ended(
    started: Pick<OperationView, 'cluster' | 'operationId'>,
    seconds = 300,
    seen: (operation: OperationView) => void = () => {},
  ): Promise<OperationView> {
    const deadline = Date.now() + seconds * 1_000;
    for (;;) {
      const operation = await this.operation(started.cluster, started.operationId);
      seen(operation);
      if (ENDED.has(operation.status)) return operation;
      if (Date.now() > deadline) {
        const phase = operation.phases.at(-1);
        throw new Error(
          `${operation.kind} of ${operation.cluster} has not ended after ${seconds} s; it is at "${phase?.name ?? 'its start'}": ${phase?.reason ?? operation.reason}`,
        );
      }
      await sleep(200);
    }
  }

  /** The same, for an operation that must succeed. @throws OperationFailed */
  async succeeded(
    started: Pick<OperationView, 'cluster' | 'operationId'>,
    seconds?: number,
    seen?: (operation: OperationView) => void,
  ): Promise<OperationView> {
    const operation = await this.ended(started, seconds, seen);
    if (operation.status !== 'SUCCEEDED') throw new OperationFailed(operation);
    return operation;
  }
}
