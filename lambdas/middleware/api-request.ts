import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import { BODY_MAX_BYTES, idempotencyKey } from '../contracts/api';
import { fieldProblems } from '../contracts/field-problems';
import { OPERATION_ID_BYTES, operationIdOf, operationIdOfKey, requestHashOf } from '../domain/operation-id';
import type { ChangeRequest } from '../usecases/operations/accept';
import { RequestRefused } from './api-problems';

/** Schemas of a route's parts. A part without one may hold nothing. */
export interface RequestSchemas<P extends z.ZodType = z.ZodType, Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType> {
  readonly path?: P;
  readonly query?: Q;
  readonly body?: B;
}

/** A request as its handler sees it. */
export interface ApiRequest<S extends RequestSchemas> {
  readonly path: z.output<NonNullable<S['path']>>;
  readonly query: z.output<NonNullable<S['query']>>;
  readonly body: z.output<NonNullable<S['body']>>;
  /** Who asks for what, for requests that change something. */
  readonly change: ChangeRequest;
}

/** An HTTP API event (payload 2.0) of a route with IAM authorisation. */
export interface ApiEvent
  extends Pick<APIGatewayProxyEventV2, 'rawPath' | 'headers' | 'queryStringParameters' | 'pathParameters' | 'body' | 'isBase64Encoded'> {
  readonly requestContext: {
    readonly requestId: string;
    readonly stage: string;
    readonly http: { readonly method: string; readonly path: string };
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
}

const nothing = z.strictObject({});

/** @throws RequestRefused */
export const parseRequest = <S extends RequestSchemas>(event: ApiEvent, schemas: S): ApiRequest<S> => {
  const requestedBy = callerOf(event);
  if (requestedBy === undefined) throw new RequestRefused(403, 'Requests must be signed by an IAM identity (SigV4)');
  const path = parse(schemas.path ?? nothing, event.pathParameters ?? {}, 400, 'path');
  const query = parse(schemas.query ?? nothing, event.queryStringParameters ?? {}, 400, 'query');
  const body = schemas.body ? parse(schemas.body, readBody(event), 422, 'body') : {};
  const { method } = event.requestContext.http;
  const given = event.headers?.['idempotency-key'];
  const key = given === undefined ? undefined : parse(idempotencyKey, given, 400, 'Idempotency-Key');
  return {
    path,
    query,
    body,
    change: {
      requestedBy,
      operationId:
        key === undefined
          ? operationIdOf(randomBytes(OPERATION_ID_BYTES))
          : operationIdOfKey({ caller: requestedBy, method, path: event.rawPath, key }),
      // What was understood, not what was written: defaults, order and spaces make no other request.
      requestHash: requestHashOf({ path, query, body }),
    },
  } as ApiRequest<S>;
};

/** ARN of the identity that signed the request; API Gateway has checked it. */
export const callerOf = (event: ApiEvent): string | undefined => event.requestContext.authorizer?.iam?.userArn || undefined;

const parse = <T extends z.ZodType>(schema: T, value: unknown, status: 400 | 422, where: string): z.output<T> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = fieldProblems(parsed.error.issues, where);
  throw new RequestRefused(status, problems.map(({ path, message }) => `${path}: ${message}`).join('; '), problems);
};

const readBody = ({ body, isBase64Encoded }: ApiEvent): unknown => {
  if (body === undefined || body === '') return {};
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
  const bytes = Buffer.byteLength(text);
  if (bytes > BODY_MAX_BYTES) throw new RequestRefused(413, `The body has ${bytes} bytes, at most ${BODY_MAX_BYTES} are taken`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RequestRefused(400, 'The body is not JSON', [{ path: 'body', message: (error as SyntaxError).message }]);
  }
};
