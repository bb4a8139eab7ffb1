import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  changeClusterBody,
  createClusterBody,
  drillBody,
  emptyBody,
  failoverBody,
  problem,
  rescaleBody,
  scalingBody,
  stopBody,
  submitJobBody,
  upgradeBody,
} from '../../../lambdas/contracts/api';
import { openApiDocument } from '../../../lambdas/contracts/openapi';
import { EXAMPLES } from '../../../lambdas/contracts/openapi-examples';
import { ROUTES } from '../../../lambdas/contracts/routes';
import type { JobScaling } from '../../../lambdas/contracts/scaling';
import { settingsOf } from '../../../lambdas/domain/scaling/settings';

// biome-ignore lint/suspicious/noExplicitAny: a document of any shape
const document = openApiDocument() as any;
const HANDLERS = join(__dirname, '../../../lambdas/handlers/api');

test('every route is in the document, and nothing else', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
});

test('every route has a handler, and every handler a route', () => {
  for (const { handler } of ROUTES) expect([handler, existsSync(join(HANDLERS, `${handler}.handler.ts`))]).toEqual([handler, true]);
  expect(readdirSync(HANDLERS).sort()).toEqual(ROUTES.map(({ handler }) => `${handler}.handler.ts`).sort());
});

test('every reference in the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path as string);
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) {
    const target = reference
      .split('/')
      .reduce((node: Record<string, unknown> | undefined, step) => node?.[step] as Record<string, unknown>, document);
    expect([reference, typeof target]).toEqual([reference, 'object']);
  }
});

test('every path parameter is described', () => {
  for (const { method, path } of ROUTES) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const { parameters } = document.paths[path][method.toLowerCase()];
    expect(parameters.filter((parameter: { in: string }) => parameter.in === 'path').map(({ name }: { name: string }) => name)).toEqual(
      named,
    );
  }
});

test('every change takes an Idempotency-Key and is answered with 202, every read and what is done at once with 200', () => {
  for (const { method, path, handler } of ROUTES) {
    const { parameters, responses } = document.paths[path][method.toLowerCase()];
    const names = parameters.map(({ name }: { name: string }) => name);
    const isChange = method !== 'GET';
    expect([path, names.includes('Idempotency-Key')]).toEqual([path, isChange]);
    expect([path, Object.keys(responses)]).toEqual([
      path,
      expect.arrayContaining([isChange && handler !== 'delete-snapshot' ? '202' : '200']),
    ]);
  }
});

test('every example is a request that would be understood', () => {
  const schemas = {
    'create-cluster': createClusterBody,
    'change-cluster': changeClusterBody,
    'submit-job': submitJobBody,
    'stop-job': stopBody,
    'upgrade-job': upgradeBody,
    'rescale-job': rescaleBody,
    'set-scaling': scalingBody,
    'fail-over-cluster': failoverBody,
    'drill-cluster': drillBody,
    problem,
  };
  expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(schemas).sort());
  for (const [name, schema] of Object.entries(schemas))
    expect([name, schema.safeParse(EXAMPLES[name as keyof typeof EXAMPLES]).error]).toEqual([name, undefined]);
});

// biome-ignore lint/suspicious/noExplicitAny: a schema of any shape
type Schema = any;
interface Field {
  /** As in `placement.failover.capacity`; `[]` an item of an array. */
  readonly path: string;
  readonly schema: Schema;
}
/** Every field of a schema, those inside others included; what is `{}` by default stands for its own fields. */
const fieldsOf = (schema: Schema, path = ''): Field[] => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`;
    return [{ path: here, schema: field }, ...fieldsOf(field, here)];
  }),
  ...(schema.items ? fieldsOf(schema.items, `${path}[]`) : []),
  ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((part) => fieldsOf(part, path)),
];
const defaultsOf = (schema: Schema): Record<string, unknown> =>
  Object.fromEntries(
    fieldsOf(schema)
      .filter((field) => 'default' in field.schema && field.schema.properties === undefined)
      .map((field) => [field.path, field.schema.default]),
  );

const AT = { from: '07:00', until: '09:00' };
const jar = { uri: 's3://artifacts/a.jar', sha256: 'a'.repeat(64) };
const msk = { clusterName: 'c', consumerGroup: 'g', topics: ['t'] };
const scaling = { floors: [{ ...AT, parallelism: 2 }], spareSlots: 1, serviceLevels: {} };
/** Of each request, by the name of its schema: the least that has every field which must be given, and inside optional ones too; and what is made of it. */
const REQUESTS: Readonly<Record<string, readonly [least: object, made: (given: object) => object]>> = {
  ClusterSpec: [
    {
      name: 'flights',
      size: 'dev',
      overrides: {},
      highAvailability: {},
      drill: { schedule: 'rate(7 days)' },
      placement: { failBack: { policy: 'quiet-time', window: AT }, failover: { volumeSnapshots: {} } },
      observation: { intervalSeconds: 10 },
    },
    createClusterBody.parse,
  ],
  // What is not given is as it was.
  ClusterChange: [{}, changeClusterBody.parse],
  JobSpec: [
    { name: 'delays', jar, source: { msk }, retention: { count: 1, days: 1 }, scaling },
    (given) => withSettings(submitJobBody.parse(given)),
  ],
  StopRequest: [{}, stopBody.parse],
  EmptyRequest: [{}, emptyBody.parse],
  UpgradeRequest: [{ jar, source: { msk }, retention: { count: 1, days: 1 }, scaling }, (given) => withSettings(upgradeBody.parse(given))],
  RescaleRequest: [{ parallelism: 2 }, rescaleBody.parse],
  JobScaling: [scaling, (given) => withSettings({ scaling: scalingBody.parse(given) }).scaling],
  FailoverRequest: [{}, failoverBody.parse],
  DrillRequest: [{}, drillBody.parse],
};
/** How a job scales is stored as it was given; these are the settings that a decision is made by. */
const withSettings = <T extends { readonly scaling?: JobScaling | undefined }>(body: T) => ({
  ...body,
  scaling: { ...body.scaling, ...settingsOf(body.scaling as JobScaling, { spareSlots: 0 }) },
});
const leavesOf = (value: unknown, path = ''): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.assign({}, ...Object.entries(value).map(([name, part]) => leavesOf(part, path === '' ? name : `${path}.${name}`)))
    : value === undefined
      ? {}
      : { [path]: value };

test('every request body is one of those looked at below', () => {
  const bodies = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods as Schema).flatMap((operation: Schema) => operation.requestBody?.content['application/json'].schema.$ref ?? []),
  );
  expect([...new Set(bodies)].sort()).toEqual(
    Object.keys(REQUESTS)
      .map((name) => `#/components/schemas/${name}`)
      .sort(),
  );
});

describe.each(Object.entries(REQUESTS))('Of %s', (name, [least, made]) => {
  const schema = document.components.schemas[name];

  test('every field is described', () => {
    const silent = fieldsOf(schema).filter((field) => !/\w{3}/.test(field.schema.description ?? ''));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  const given = leavesOf(least);
  const shown = Object.entries(defaultsOf(schema)).filter(([path]) => !(path in given));

  test('every default is the one that is used, and none that is used is missing', () => {
    const used = Object.entries(leavesOf(made(least))).filter(([path]) => !(path in given));
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(used));
  });

  test('every default may be given', () => {
    for (const [path, value] of shown) expect(() => made(put(least, path.split('.'), value))).not.toThrow();
  });
});

/** The object with a value at a path. */
const put = (object: object, [name = '', ...rest]: readonly string[], value: unknown): object => ({
  ...object,
  [name]: rest.length === 0 ? value : put((object as Record<string, object>)[name] ?? {}, rest, value),
});

test("a job's spare slots are those of its cluster by default, which the document cannot know", () => {
  expect(settingsOf(scalingBody.parse({}), { spareSlots: 7 }).spareSlots).toBe(7);
  expect(document.components.schemas.JobScaling.properties.spareSlots).not.toHaveProperty('default');
});

test('what is said of how a job scales is not filled in when it is stored', () => {
  expect(scalingBody.parse({ serviceLevels: {} })).toEqual({ enabled: true, priority: 0, serviceLevels: {} });
});

test('every parameter is described', () => {
  for (const methods of Object.values(document.paths))
    for (const { operationId, parameters } of Object.values(methods as Schema) as Schema[])
      for (const parameter of parameters)
        expect([operationId, parameter.name, typeof parameter.schema.description]).toEqual([operationId, parameter.name, 'string']);
});

test('it is OpenAPI 3.1 with signed requests', () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    security: [{ sigv4: [] }],
    components: { securitySchemes: { sigv4: { 'x-amazon-apigateway-authtype': 'awsSigv4' } } },
  });
});
