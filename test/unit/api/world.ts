import type { HandlerName } from '../../../lambdas/contracts/routes';
import type { Stage } from '../../../lambdas/contracts/stage';
import type { ApiEvent } from '../../../lambdas/middleware/api-request';
import { createFakeArtifacts, type FakeArtifacts } from '../../fakes/fake-artifacts';
import { FakeFlink } from '../../fakes/fake-flink';
import { createFakeInstanceFacts, type FakeInstanceFacts } from '../../fakes/fake-instance-facts';
import { createFakeObservations, type FakeObservations } from '../../fakes/fake-observations';
import { createFakeStore, type FakeStore } from '../../fakes/fake-store';
import { createFakeWorkflows, type FakeWorkflows } from '../../fakes/fake-workflows';
import { STAGE } from '../domain/examples';

/**
 * The API's handlers as they are deployed, on behavioural fakes: `jest.mock` puts this in the place of `composition/environment`.
 * A request goes in as API Gateway's event and comes out as HTTP.
 */
export interface World {
  store: FakeStore;
  workflows: FakeWorkflows;
  artifacts: FakeArtifacts;
  instanceFacts: FakeInstanceFacts;
  observations: FakeObservations;
  flink: FakeFlink;
  now: Date;
  readonly stage: Stage;
}

export const ANA = 'arn:aws:iam::000000000000:user/ana';

export const TEST_STAGE: Stage = {
  name: 'test',
  account: '000000000000',
  region: 'eu-central-1',
  vpcId: 'vpc-1',
  vpcCidr: '10.0.0.0/16',
  zones: ['a', 'b', 'c'].map((zone) => ({ name: `eu-central-1${zone}`, subnetId: `subnet-${zone}` })),
  flinkClientSecurityGroupId: 'sg-1',
  prefixLists: [],
  streamSources: [],
  baseLaunchTemplates: { x86_64: 'lt-1', arm64: 'lt-2' },
  nodeRolePath: '/sluice/test/',
  nodePermissionsBoundaryArn: 'arn:aws:iam::000000000000:policy/boundary',
  kmsKeyArn: 'arn:aws:kms:eu-central-1:000000000000:key/1',
  tableName: 'table',
  artifactBucket: 'artifacts',
  stateBucket: 'state',
  stateMachineArnPrefix: 'arn:aws:states:eu-central-1:000000000000:stateMachine:sluice-test-',
  nodeBundle: { bucket: 'assets', key: 'node.zip' },
  flinkVersions: ['2.3.0', '2.2.0'],
  ...STAGE,
  limits: { maxTaskManagersPerCluster: 100, maxClusters: 3 },
  flinkConfiguration: {},
  alarms: { runbook: 'docs/runbook.md', periodSeconds: 60 },
  retention: { count: 10, days: 30 },
  observation: { intervalSeconds: 30, perVertex: false },
  deadlines: { launchSeconds: 600, submitSeconds: 300, savepointSeconds: 200, rescaleSeconds: 400, terminateSeconds: 500 },
};

export const world: World = {} as World;

/** Everything new, at the same instant. */
export const resetWorld = (): void => {
  const clock = (): Date => world.now;
  Object.assign(world, {
    now: new Date('2026-03-01T12:00:00.000Z'),
    stage: TEST_STAGE,
    store: createFakeStore(clock),
    workflows: createFakeWorkflows(),
    artifacts: createFakeArtifacts(clock),
    instanceFacts: createFakeInstanceFacts(),
    observations: createFakeObservations(clock),
    flink: new FakeFlink({ taskManagers: 2, slotsPerTaskManager: 8 }),
  });
  world.artifacts.put('s3://artifacts/jobs/delays.jar', 1_000);
};

/** Ports that always are those of the present world, because handlers take them when they are loaded. */
const current = <T extends object>(port: () => T): T => new Proxy({} as T, { get: (_, key) => Reflect.get(port(), key) });

export const environment = {
  clock: () => world.now,
  stage: () => TEST_STAGE,
  store: () => current(() => world.store),
  workflows: () => current(() => world.workflows),
  artifacts: () => current(() => world.artifacts),
  instanceFacts: () => current(() => world.instanceFacts),
  observationTable: () => current(() => world.observations),
  flink: () => () => world.flink,
};

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
  /** The answer and the log as they were written. */
  readonly text: string;
  readonly lines: readonly string[];
  /** Lines of the log that the call wrote. */
  readonly log: readonly Record<string, unknown>[];
}

export interface Call {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** A text goes in as it is. */
  readonly body?: unknown;
  readonly key?: string;
  readonly caller?: string | null;
  readonly base64?: boolean;
  readonly stageName?: string;
}

const METHODS: Partial<Record<HandlerName, string>> = {
  'change-cluster': 'PATCH',
  'terminate-cluster': 'DELETE',
  'delete-snapshot': 'DELETE',
  'set-scaling': 'PUT',
};

/** Calls a handler as API Gateway does. */
export const call = async (
  handler: HandlerName,
  { path = {}, query, body, key, caller = ANA, base64 = false, stageName = '$default' }: Call = {},
): Promise<Answer> => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const rawPath = `${stageName === '$default' ? '' : `/${stageName}`}/${handler}/${Object.values(path).join('/')}`;
  const event: ApiEvent = {
    rawPath,
    headers: key === undefined ? {} : { 'idempotency-key': key },
    pathParameters: { ...path },
    isBase64Encoded: base64,
    ...(query === undefined ? {} : { queryStringParameters: { ...query } }),
    ...(text === undefined ? {} : { body: base64 ? Buffer.from(text).toString('base64') : text }),
    requestContext: {
      requestId: 'request-1',
      stage: stageName,
      http: { method: METHODS[handler] ?? (/^(list|describe|read)/.test(handler) ? 'GET' : 'POST'), path: rawPath },
      ...(caller === null ? {} : { authorizer: { iam: { userArn: caller } } }),
    },
  };
  const { handler: run } = (await import(`../../../lambdas/handlers/api/${handler}.handler`)) as {
    handler: (event: unknown, context: unknown) => Promise<unknown>;
  };
  const lines = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const response = (await run(event, {})) as { statusCode: number; headers: Record<string, string>; body: string };
    return {
      status: response.statusCode,
      headers: response.headers,
      body: JSON.parse(response.body),
      text: response.body,
      lines: lines.mock.calls.map(([line]) => String(line)),
      log: lines.mock.calls.map(([line]) => JSON.parse(line as string) as Record<string, unknown>),
    };
  } finally {
    lines.mockRestore();
  }
};

export const AT_CLUSTER = { cluster: 'flights' };
export const AT_JOB = { cluster: 'flights', job: 'delays' };
export const JAR = { uri: 's3://artifacts/jobs/delays.jar', sha256: 'a'.repeat(64) };

/** A cluster as it is when its launch is done. */
export const givenCluster = async (fields: object = {}, name = 'flights'): Promise<void> => {
  await call('create-cluster', { body: { name, size: 'small' } });
  const stored = await world.store.cluster(name);
  if (!stored) throw new Error('The cluster was not accepted');
  const { lease: _, ...cluster } = stored;
  const resources = { ...cluster.resources, jobManagerAddress: '10.0.1.20' };
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING', resources, ...fields }] });
};

/** A job as it is when its submission is done; Flink runs it. */
export const givenJob = async (fields: object = {}, spec: object = {}): Promise<void> => {
  await givenCluster();
  await call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', jar: JAR, parallelism: 4, ...spec } });
  const stored = await world.store.job('flights', 'delays');
  if (!stored) throw new Error('The job was not accepted');
  const { lease: _, ...job } = stored;
  world.store.seed({ jobs: [{ ...job, status: 'RUNNING', ...fields }] });
  await world.flink.runSql({
    flinkJobId: job.flinkJobId,
    jobName: 'delays',
    parallelism: 4,
    allowNonRestoredState: false,
    flinkConfiguration: {},
    script: 'INSERT INTO t SELECT 1',
  });
};
