import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Problem } from '../contracts/api';
import type { ClusterSettingChange } from '../contracts/cluster-change';
import type { Operation } from '../contracts/operation';
import type { HandlerName } from '../contracts/routes';
import { operationHref, operationView } from '../usecases/api/views';
import { problemOf, RETRY_AFTER_SECONDS } from './api-problems';
import { type ApiEvent, type ApiRequest, callerOf, parseRequest, type RequestSchemas } from './api-request';
import { log } from './log';
import { printableJson } from './printable-json';
import { limitToTime } from './timed';

/** What a handler answers. */
export interface Reply {
  readonly status: 200 | 202;
  readonly body: unknown;
  /** Path of what was made, below the API's root. */
  readonly location?: string;
  readonly operationId?: string;
  /** What was changed from what to what, for the audit log. */
  readonly changes?: readonly ClusterSettingChange[];
}

export const ok = (body: unknown): Reply => ({ status: 200, body });

/** The change is stored and will be done; the operation tells how far it is. */
export const accepted = (operation: Operation): Reply => ({
  status: 202,
  body: operationView(operation),
  location: operationHref(operation.cluster, operation.operationId),
  operationId: operation.operationId,
  ...(operation.request.kind === 'change-cluster' ? { changes: operation.request.changes } : {}),
});

export interface ApiOptions<S extends RequestSchemas> {
  /** The audit log's name of the action. */
  readonly action: HandlerName;
  readonly schemas?: S;
}

/** The event as it came, kept beside the request that it became. */
const EVENT = 'apiEvent';

/**
 * Around every API handler: parses the request, turns its answer into HTTP and its errors into problem documents (RFC 9457), and writes one
 * line of audit log a call, without bodies: they may hold secrets of jobs. An unexpected error is answered too, because an API's caller needs
 * an answer; it is in the log with its stack, and API Gateway counts it as 5xx.
 */
export const api = <S extends RequestSchemas>({ action, schemas }: ApiOptions<S>): MiddlewareObj<ApiRequest<S>, Reply, Error> => ({
  before: (request) => {
    const event = request.event as unknown as ApiEvent;
    (request as AnyRequest).internal[EVENT] = event;
    limitToTime(request.context);
    request.event = parseRequest(event, schemas ?? ({} as S));
  },
  after: (request) => {
    const { status, body, location, operationId, changes } = request.response as Reply;
    audit(request, action, status, operationId, changes);
    respond(
      request,
      status,
      'application/json',
      body,
      location === undefined ? {} : { location: `${rootOf(eventOf(request))}${location}` },
    );
  },
  onError: (request) => {
    const event = eventOf(request);
    const { requestId } = event.requestContext;
    const answer = problemOf(request.error);
    if (answer.status >= 500)
      log('ERROR', { message: request.error?.message, error: request.error?.name, requestId, action, stack: request.error?.stack });
    const problem: Problem = { ...answer, instance: event.rawPath, requestId };
    audit(request, action, answer.status, answer.operation?.operationId);
    respond(
      request,
      answer.status,
      'application/problem+json',
      problem,
      answer.status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {},
    );
  },
});

// biome-ignore lint/suspicious/noExplicitAny: middy's request is generic in what only its own handler knows
type AnyRequest = Request<any, any, any, any, any>;

const eventOf = (request: AnyRequest): ApiEvent => (request.internal[EVENT] ?? request.event) as ApiEvent;

const respond = (request: AnyRequest, statusCode: number, contentType: string, body: unknown, headers: Record<string, string>): void => {
  const response: APIGatewayProxyStructuredResultV2 = {
    statusCode,
    headers: {
      'content-type': contentType,
      'cache-control': 'no-store',
      'x-request-id': eventOf(request).requestContext.requestId,
      ...headers,
    },
    body: printableJson(body),
  };
  request.response = response;
};

/** A stage other than `$default` is the first part of every path. */
const rootOf = ({ rawPath, requestContext: { stage } }: ApiEvent): string => (rawPath.startsWith(`/${stage}/`) ? `/${stage}` : '');

const audit = (
  request: AnyRequest,
  action: HandlerName,
  status: number,
  operationId: string | undefined,
  changes?: Reply['changes'],
): void => {
  const event = eventOf(request);
  log('INFO', {
    audit: true,
    action,
    caller: callerOf(event),
    // As it came: what was refused is audited too. Path parameters are short and hold no secrets.
    cluster: event.pathParameters?.cluster ?? nameIn(request, action),
    job: event.pathParameters?.job ?? (action === 'submit-job' ? nameIn(request, action) : undefined),
    snapshot: event.pathParameters?.snapshot,
    status,
    operationId,
    ...(changes === undefined ? {} : { changes }),
    requestId: event.requestContext.requestId,
  });
};

/** The name in a body that was understood. */
const nameIn = (request: AnyRequest, action: HandlerName): string | undefined =>
  action === 'create-cluster' || action === 'submit-job'
    ? (request.event as { readonly body?: { readonly name?: string } }).body?.name
    : undefined;
