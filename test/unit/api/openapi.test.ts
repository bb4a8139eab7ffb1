import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createClusterBody,
  drillBody,
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

test('it is OpenAPI 3.1 with signed requests', () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    security: [{ sigv4: [] }],
    components: { securitySchemes: { sigv4: { 'x-amazon-apigateway-authtype': 'awsSigv4' } } },
  });
});
