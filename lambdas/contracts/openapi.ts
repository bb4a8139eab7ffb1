import * as z from 'zod';
import * as contracts from './api';
import { EXAMPLES } from './openapi-examples';
import { ROUTES, type Route } from './routes';

type Json = Record<string, unknown>;
type HandlerOf = (typeof ROUTES)[number]['handler'];

/** The parts of each route: the schemas that its handler parses with and answers by. */
const PARTS: Readonly<
  Record<HandlerOf, { readonly path?: z.ZodObject; readonly query?: z.ZodObject; readonly body?: z.ZodType; readonly answer: z.ZodType }>
> = {
  'create-cluster': { body: contracts.createClusterBody, answer: contracts.operationView },
  'change-cluster': { path: contracts.clusterPath, body: contracts.changeClusterBody, answer: contracts.operationView },
  'list-clusters': { query: contracts.pageQuery, answer: contracts.clusterPage },
  'describe-cluster': { path: contracts.clusterPath, answer: contracts.clusterDescription },
  'terminate-cluster': { path: contracts.clusterPath, query: contracts.terminateQuery, answer: contracts.operationView },
  'read-configuration': { path: contracts.clusterPath, answer: contracts.configurationView },
  'submit-job': { path: contracts.clusterPath, body: contracts.submitJobBody, answer: contracts.operationView },
  'list-jobs': { path: contracts.clusterPath, query: contracts.pageQuery, answer: contracts.jobPage },
  'describe-job': { path: contracts.jobPath, answer: contracts.jobDescription },
  'stop-job': { path: contracts.jobPath, body: contracts.stopBody, answer: contracts.operationView },
  'cancel-job': { path: contracts.jobPath, body: contracts.emptyBody, answer: contracts.operationView },
  'take-savepoint': { path: contracts.jobPath, body: contracts.emptyBody, answer: contracts.operationView },
  'list-snapshots': { path: contracts.jobPath, query: contracts.pageQuery, answer: contracts.snapshotPage },
  'delete-snapshot': { path: contracts.snapshotPath, answer: contracts.snapshotDeletion },
  'upgrade-job': { path: contracts.jobPath, body: contracts.upgradeBody, answer: contracts.operationView },
  'rescale-job': { path: contracts.jobPath, body: contracts.rescaleBody, answer: contracts.operationView },
  'set-scaling': { path: contracts.jobPath, body: contracts.scalingBody, answer: contracts.operationView },
  'list-operations': { path: contracts.clusterPath, query: contracts.pageQuery, answer: contracts.operationPage },
  'describe-operation': { path: contracts.operationPath, answer: contracts.operationView },
  'fail-over-cluster': { path: contracts.clusterPath, body: contracts.failoverBody, answer: contracts.operationView },
  'drill-cluster': { path: contracts.clusterPath, body: contracts.drillBody, answer: contracts.operationView },
  'read-openapi': { answer: z.looseObject({ openapi: z.string() }) },
};

/** Names of the schemas under `components`. A request's is what a caller may write, an answer's what comes back. */
const REQUESTS = {
  ClusterSpec: contracts.createClusterBody,
  ClusterChange: contracts.changeClusterBody,
  JobSpec: contracts.submitJobBody,
  StopRequest: contracts.stopBody,
  EmptyRequest: contracts.emptyBody,
  UpgradeRequest: contracts.upgradeBody,
  RescaleRequest: contracts.rescaleBody,
  JobScaling: contracts.scalingBody,
  FailoverRequest: contracts.failoverBody,
  DrillRequest: contracts.drillBody,
} as const;
const ANSWERS = {
  Operation: contracts.operationView,
  OperationPage: contracts.operationPage,
  ClusterPage: contracts.clusterPage,
  ClusterDescription: contracts.clusterDescription,
  Configuration: contracts.configurationView,
  JobPage: contracts.jobPage,
  JobDescription: contracts.jobDescription,
  SnapshotPage: contracts.snapshotPage,
  SnapshotDeletion: contracts.snapshotDeletion,
  Problem: contracts.problem,
} as const;

/** The API as an OpenAPI 3.1 document, made from the schemas that requests are parsed with. */
export const openApiDocument = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Sluice',
    version: '1',
    description:
      'Runs Apache Flink clusters and jobs. Every change of a cluster or job is answered with 202 and an operation that can be followed; errors are problem documents (RFC 9457). Requests are signed (SigV4, service `execute-api`).',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
  security: [{ sigv4: [] }],
  paths: pathsOf(ROUTES),
  components: {
    securitySchemes: {
      sigv4: {
        type: 'apiKey',
        name: 'Authorization',
        in: 'header',
        description: 'AWS Signature Version 4',
        'x-amazon-apigateway-authtype': 'awsSigv4',
      },
    },
    schemas: Object.fromEntries([
      ...Object.entries(REQUESTS).map(([name, schema]) => [name, jsonSchema(schema, 'input')]),
      ...Object.entries(ANSWERS).map(([name, schema]) => [name, jsonSchema(schema, 'output')]),
    ]),
    responses: Object.fromEntries(PROBLEMS.map(([status, , description]) => [`Problem${status}`, problemResponse(description)])),
  },
});

const PROBLEMS: readonly (readonly [status: number, on: 'any' | 'named' | 'change', description: string])[] = [
  [400, 'any', 'The request cannot be read: not JSON, a bad path, query or header'],
  [403, 'any', "Not signed, or not allowed; API Gateway's own refusal has only a `message`"],
  [404, 'named', 'There is no such cluster, job or operation'],
  [409, 'change', 'Something is in the way; `operation` says what, where it is an operation'],
  [413, 'change', 'The body is too large'],
  [422, 'change', 'Well-formed, but it cannot be done as asked; `errors` names the fields'],
  [503, 'any', 'Something that is needed does not answer now; try again'],
];

const problemResponse = (description: string): Json => ({
  description,
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, examples: { problem: { value: EXAMPLES.problem } } },
  },
});

const pathsOf = (routes: readonly Route[]): Json => {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    (paths[route.path] as Json)[route.method.toLowerCase()] = operationOf(route);
  }
  return paths;
};

const operationOf = ({ method, path, handler, summary }: Route): Json => {
  const { path: pathSchema, query, body, answer } = PARTS[handler as HandlerOf];
  const isChange = method !== 'GET';
  const example = EXAMPLES[handler as keyof typeof EXAMPLES];
  const content = { 'application/json': { schema: nameOf(answer, ANSWERS) ?? jsonSchema(answer, 'output') } };
  return {
    operationId: handler.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    tags: [path.includes('/operations') ? 'operations' : path.includes('/jobs') ? 'jobs' : 'clusters'],
    parameters: [
      ...parametersOf(pathSchema, 'path'),
      ...parametersOf(query, 'query'),
      ...(isChange
        ? [{ name: 'Idempotency-Key', in: 'header', required: false, schema: jsonSchema(contracts.idempotencyKey, 'input') }]
        : []),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: method === 'PATCH' || !body.safeParse({}).success,
            content: Object.fromEntries(
              ['application/json', ...(method === 'PATCH' ? ['application/merge-patch+json'] : [])].map((type) => [
                type,
                { schema: nameOf(body, REQUESTS), ...(example === undefined ? {} : { examples: { example: { value: example } } }) },
              ]),
            ),
          },
        }),
    responses: {
      // What is an operation can be followed; anything else is done when it answers.
      ...(answer === contracts.operationView && isChange
        ? {
            202: {
              description: 'Accepted; follow the operation',
              headers: { Location: { description: 'Path of the operation', schema: { type: 'string' } } },
              content,
            },
          }
        : { 200: { description: 'As asked', content } }),
      ...Object.fromEntries(
        PROBLEMS.filter(([, on]) => on === 'any' || (on === 'named' && pathSchema) || (on === 'change' && isChange)).map(([status]) => [
          status,
          { $ref: `#/components/responses/Problem${status}` },
        ]),
      ),
    },
  };
};

const nameOf = (schema: z.ZodType, names: Readonly<Record<string, z.ZodType>>): Json | undefined => {
  const name = Object.keys(names).find((candidate) => names[candidate] === schema);
  return name === undefined ? undefined : { $ref: `#/components/schemas/${name}` };
};

const parametersOf = (schema: z.ZodObject | undefined, where: 'path' | 'query'): Json[] =>
  Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: where,
    required: where === 'path',
    schema: jsonSchema(field as z.ZodType, 'input'),
  }));

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
};
