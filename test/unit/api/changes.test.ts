import { operationView } from '../../../lambdas/contracts/api';
import { clusterSpec } from '../../../lambdas/contracts/cluster';
import { AwsUnavailable } from '../../../lambdas/contracts/errors';
import { acceptLaunch } from '../../../lambdas/usecases/clusters/accept-launch';
import { fleetSpecOf } from '../../../lambdas/usecases/clusters/fleet-spec';
import { ANA, AT_CLUSTER, AT_JOB, call, givenCluster, givenJob, JAR, resetWorld, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);
beforeEach(resetWorld);

const CLUSTER = { name: 'flights', size: 'small' };
const OTHERS_SAVEPOINT = 's3://state/clusters/payments/jobs/pay/savepoints/savepoint-1';
const submit = (body: object = {}, more: object = {}) =>
  call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', jar: JAR, ...body }, ...more });

describe('a launch', () => {
  test('is stored before its workflow starts, and answered with the operation', async () => {
    const answer = await call('create-cluster', { body: CLUSTER });
    expect(answer.status).toBe(202);
    expect(operationView.parse(answer.body)).toMatchObject({
      kind: 'launch-cluster',
      status: 'PENDING',
      cluster: 'flights',
      requestedBy: ANA,
    });
    expect(answer.headers.location).toBe(`/clusters/flights/operations/${answer.body.operationId}`);
    expect(answer.body).not.toHaveProperty('requestHash');
    expect(world.workflows.started).toEqual([{ kind: 'launch-cluster', operationId: answer.body.operationId }]);
    expect(await world.store.cluster('flights')).toMatchObject({
      status: 'LAUNCHING',
      epoch: 1,
      flinkVersion: '2.3.0',
      lease: { operationId: answer.body.operationId },
    });
    expect(Date.parse(answer.body.deadline) - Date.parse(answer.body.requestedAt)).toBe(600_000);
  });

  test('with a stand-by JobManager says in which zone that will be', async () => {
    const body = { ...CLUSTER, zone: 'eu-central-1c', placement: { mode: 'spread' }, highAvailability: { standbyJobManager: true } };
    await call('create-cluster', { body });
    expect((await world.store.cluster('flights'))?.statusReason).toContain('a JobManager stands by in eu-central-1a');
  });

  test('over two zones has its home in the one that AWS does not shift traffic away from', async () => {
    const at = world.now.toISOString();
    const said = { saidAt: at, heardAt: at, over: false };
    for (const [name, shifted, home] of [
      ['flights', 'eu-central-1a', 'eu-central-1b'],
      ['planes', 'eu-central-1b', 'eu-central-1a'],
    ] as const) {
      await world.store.recordShift({ ...said, zone: shifted, says: 'Autoshift In Progress' });
      const body = { ...CLUSTER, name, placement: { mode: 'spread', zones: ['eu-central-1a', 'eu-central-1b'] } };
      expect(await call('create-cluster', { body })).toMatchObject({ status: 202 });
      expect(await world.store.cluster(name)).toMatchObject({ zone: home });
      await world.store.recordShift({
        ...said,
        zone: shifted,
        says: 'over',
        saidAt: new Date(world.now.getTime() + 1_000).toISOString(),
        over: true,
      });
    }
  });

  test('over all zones begins without the one that AWS shifts traffic away from, and its stand-by JobManager too', async () => {
    const at = world.now.toISOString();
    await world.store.recordShift({ zone: 'eu-central-1a', saidAt: at, heardAt: at, over: false, says: 'Autoshift In Progress' });
    const body = { ...CLUSTER, zone: 'eu-central-1c', placement: { mode: 'spread' }, highAvailability: { standbyJobManager: true } };
    expect(await call('create-cluster', { body })).toMatchObject({ status: 202 });
    const cluster = await world.store.cluster('flights');
    expect(cluster).toMatchObject({ zone: 'eu-central-1c', avoidedZones: ['eu-central-1a'] });
    expect(cluster?.statusReason).toContain('over 2 zones: eu-central-1b, eu-central-1c; AWS shifts traffic away from eu-central-1a');
    expect(cluster?.statusReason).toContain('a JobManager stands by in eu-central-1b');
    expect(cluster && fleetSpecOf(cluster)).toMatchObject({ zones: ['eu-central-1c', 'eu-central-1b'], standbyZone: 'eu-central-1b' });
  });

  test('on demand takes further types that the caller names, and says which and when', async () => {
    const body = { ...CLUSTER, overrides: { instanceType: 'c5.2xlarge' }, purchase: { instanceTypes: ['c7i.2xlarge', 'c6i.2xlarge'] } };
    await call('create-cluster', { body });
    expect(await world.store.cluster('flights')).toMatchObject({
      size: { alternatives: ['c7i.2xlarge', 'c6i.2xlarge'] },
      statusReason: expect.stringContaining('where EC2 has no c5.2xlarge, hosts are c7i.2xlarge, else c6i.2xlarge'),
    });
  });

  test('takes further types for the host of its JobManager that the caller names, in their order', async () => {
    const jobManager = { instanceType: 'c5.2xlarge', memoryMiB: 8_192, instanceTypes: ['c7i.2xlarge', 'c6i.2xlarge'] };
    await call('create-cluster', { body: { ...CLUSTER, overrides: { jobManager } } });
    expect(await world.store.cluster('flights')).toMatchObject({
      size: { jobManager: { instanceType: 'c5.2xlarge', alternatives: ['c7i.2xlarge', 'c6i.2xlarge'] } },
      statusReason: expect.stringContaining('where EC2 has no c5.2xlarge, the host of a JobManager is c7i.2xlarge, else c6i.2xlarge'),
    });
  });

  test.each([
    [
      'a further type of a JobManager that does not fit',
      { overrides: { jobManager: { instanceType: 'c5.2xlarge', memoryMiB: 8_192, instanceTypes: ['c5.large'] } } },
      'overrides.jobManager.instanceTypes',
    ],
    ['a further type that does not fit', { purchase: { instanceTypes: ['c6i.2xlarge'] } }, 'purchase.instanceTypes'],
    ['a further type that does not exist', { purchase: { instanceTypes: ['c5.gigantic'] } }, 'purchase.instanceTypes'],
    ['an unknown size', { size: 'huge' }, 'size'],
    ['an instance type that does not exist', { overrides: { instanceType: 'c5.gigantic' } }, 'overrides.instanceType'],
    ['a slow network', { overrides: { instanceType: 't3.micro', taskManagersPerHost: 1 } }, 'overrides.instanceType'],
    ['a zone that the stage does not have', { zone: 'us-west-2a' }, 'zone'],
    [
      'a zone to fail over to that the stage does not have',
      { placement: { failover: { zones: ['eu-central-1b', 'eu-central-1x'] } } },
      'placement.failover.zones',
    ],
    [
      'no zone to fail over to but its own',
      { zone: 'eu-central-1a', placement: { failover: { zones: ['eu-central-1a'] } } },
      'placement.failover.zones',
    ],
    ['min over max', { overrides: { taskManagers: { min: 8, max: 4 } } }, 'overrides.taskManagers.min'],
    ['300 TaskManagers where the stage allows 100', { overrides: { taskManagers: { max: 300 } } }, 'overrides.taskManagers.max'],
    ['a setting that the control plane owns', { flinkConfiguration: { 'rest.port': '9999' } }, 'flinkConfiguration.rest.port'],
    ['a Flink version that the stage does not have', { flinkVersion: '1.0.0' }, 'flinkVersion'],
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['an unknown field inside', { overrides: { taskManagers: { mid: 3 } } }, 'overrides.taskManagers.mid'],
    ['a name that climbs', { name: '../other' }, 'name'],
    ['a name of 300 characters', { name: 'a'.repeat(300) }, 'name'],
    ['a tag that instance metadata cannot show', { tags: { '..': 'y' } }, 'tags...'],
    ['a tag that is the list of tags there', { tags: { _index: 'y' } }, 'tags._index'],
    ['a tag value that IAM refuses', { tags: { team: 'a#b' } }, 'tags.team'],
    ["a tag of AWS's own", { tags: { 'aws:x': 'y' } }, 'tags.aws:x'],
    ['tags that IAM cannot tell apart', { tags: { team: 'a', Team: 'b' } }, 'tags'],
    ['a tag that IAM cannot tell from our own', { tags: { name: 'a' } }, 'tags'],
    [
      'more tags than Auto Scaling takes in a call',
      { tags: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`t${index}`, 'y'])) },
      'tags',
    ],
    [
      'more settings than are kept',
      { flinkConfiguration: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`table.x${index}`, 'y'.repeat(3_000)])) },
      'flinkConfiguration',
    ],
  ])('with %s is refused, with the field', async (_, fields, path) => {
    const answer = await call('create-cluster', { body: { ...CLUSTER, ...fields } });
    expect(answer.status).toBe(422);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
    expect(world.workflows.started).toEqual([]);
    expect(await world.store.clusters({ limit: 10 })).toEqual({ items: [] });
  });

  test('takes tags in every script and with the signs that IAM knows', async () => {
    const others = Object.fromEntries(Array.from({ length: 18 }, (_, index) => [`t${index}`, 'y']));
    const tags = { team: 'Flüge + mehr', 'cost:centre': '数 4711/b_c=d:e@f.g-h', ...others };
    expect((await call('create-cluster', { body: { ...CLUSTER, tags } })).status).toBe(202);
    expect(await world.store.cluster('flights')).toMatchObject({ spec: { tags } });
  });

  test('says all that is wrong at once', async () => {
    const answer = await call('create-cluster', {
      body: { ...CLUSTER, zone: 'x', flinkVersion: '1.0.0', overrides: { instanceType: 'c5.gigantic' } },
    });
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(['overrides.instanceType', 'zone', 'flinkVersion']);
  });

  test('of a name that is there is a conflict, with the operation in the way', async () => {
    const first = await call('create-cluster', { body: CLUSTER });
    const second = await call('create-cluster', { body: CLUSTER });
    expect(second).toMatchObject({
      status: 409,
      body: { detail: 'Cluster flights exists already and is LAUNCHING', operation: { operationId: first.body.operationId } },
    });
  });

  test('of a name that was terminated counts its epoch on', async () => {
    await givenCluster({ status: 'TERMINATED', desired: 'TERMINATED', epoch: 4 });
    expect((await call('create-cluster', { body: CLUSTER })).status).toBe(202);
    expect(await world.store.cluster('flights')).toMatchObject({ status: 'LAUNCHING', desired: 'RUNNING', epoch: 5 });
  });

  test('over the number of clusters that the stage allows is a conflict', async () => {
    for (const name of ['one', 'two', 'three']) await givenCluster({}, name);
    expect(await call('create-cluster', { body: CLUSTER })).toMatchObject({
      status: 409,
      body: { detail: 'The stage has 3 clusters, its limit is 3' },
    });
  });

  test('at the same moment as others takes no place that is not there, and none is refused while there is one', async () => {
    await givenCluster({}, 'one');
    const { store, workflows, instanceFacts, stage } = world;
    const deps = { store, workflows, instanceFacts, stage, clock: () => world.now };
    const launches = ['two', 'three', 'four', 'five', 'six'].map((name, index) => {
      const change = { requestedBy: ANA, operationId: `op-${'abcde'.charAt(index).repeat(26)}`, requestHash: name };
      return acceptLaunch(deps, change, clusterSpec.parse({ ...CLUSTER, name })).then(
        () => 'launched',
        (error: Error) => error.message,
      );
    });
    const full = 'The stage has 3 clusters, its limit is 3';
    expect((await Promise.all(launches)).sort()).toEqual([full, full, full, 'launched', 'launched']);
    expect((await world.store.clusters({ limit: 10 })).items).toHaveLength(3);
  });
});

describe('a submission', () => {
  test('fixes the Flink job id and takes the lease before its workflow starts', async () => {
    await givenCluster();
    const answer = await submit();
    expect(answer.status).toBe(202);
    expect(await world.store.job('flights', 'delays')).toMatchObject({
      status: 'SUBMITTING',
      epoch: 1,
      revision: 1,
      flinkJobId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spec: { parallelism: 16, program: { kind: 'jar', uri: JAR.uri } },
      lease: { operationId: answer.body.operationId },
    });
    expect(world.workflows.started.at(-1)).toEqual({ kind: 'submit-job', operationId: answer.body.operationId });
  });

  test('keeps a SQL script in S3 under its hash', async () => {
    await givenCluster();
    const script = 'INSERT INTO t SELECT 1;';
    expect((await submit({ jar: undefined, sql: { script } })).status).toBe(202);
    const job = await world.store.job('flights', 'delays');
    expect(job?.spec.program).toMatchObject({
      kind: 'sql',
      uri: expect.stringMatching(/^s3:\/\/state\/clusters\/flights\/jobs\/delays\/scripts\/[0-9a-f]{64}\.sql$/),
    });
    expect(await world.artifacts.getText(job?.spec.program.uri ?? '')).toBe(script);
  });

  test.each([
    ['a jar that does not exist', { jar: { ...JAR, uri: 's3://artifacts/jobs/none.jar' } }, 'jar.uri'],
    ['a jar of the stage itself', { jar: { ...JAR, uri: 's3://artifacts/flink/2.3.0/flink.tar' } }, 'jar.uri'],
    ["another cluster's object as jar", { jar: { ...JAR, uri: 's3://state/clusters/payments/jobs/pay/a.jar' } }, 'jar.uri'],
    ["another cluster's savepoint", { restore: { from: 'savepoint', savepoint: OTHERS_SAVEPOINT } }, 'restore.savepoint'],
    ['a hash that is none', { jar: { ...JAR, sha256: 'abc' } }, 'jar.sha256'],
    ['a class name that is none', { jar: { ...JAR, entryClass: 'not a class' } }, 'jar.entryClass'],
    ['both a jar and a script', { sql: { script: 'SELECT 1' } }, 'jar'],
    ['neither', { jar: undefined }, 'jar'],
    ['a SQL script over 1 MB', { jar: undefined, sql: { script: 'x'.repeat(1_000_001) } }, 'sql.script'],
    ['a SQL script that starts nothing', { jar: undefined, sql: { script: 'CREATE TABLE t (x INT);' } }, 'sql.script'],
    [
      'a SQL script that moves its state',
      { jar: undefined, sql: { script: "SET 'execution.checkpointing.dir' = 's3://x/y'; INSERT INTO t SELECT 1;" } },
      'sql.script',
    ],
    ['more parallelism than the largest fleet has slots', { parallelism: 100 }, 'parallelism'],
    [
      'a setting that the control plane owns',
      { flinkConfiguration: { 'execution.checkpointing.dir': 's3://x/y' } },
      'flinkConfiguration.execution.checkpointing.dir',
    ],
    ['a setting of processes', { flinkConfiguration: { 'heartbeat.timeout': '1 s' } }, 'flinkConfiguration.heartbeat.timeout'],
    ['a savepoint that does not exist', { restore: { from: 'savepoint', savepoint: 's3://state/none' } }, 'restore.savepoint'],
    ['a savepoint that goes with no policy', { restore: { savepoint: 's3://state/none' } }, 'restore.savepoint'],
    ['more arguments than are kept', { jar: { ...JAR, arguments: Array(50).fill('x'.repeat(5_000)) } }, 'jar.arguments'],
    ['a name that climbs', { name: '../x' }, 'name'],
  ])('with %s is refused, with the field', async (_, fields, path) => {
    await givenCluster();
    for (const uri of [
      `${OTHERS_SAVEPOINT}/_metadata`,
      's3://state/clusters/payments/jobs/pay/a.jar',
      's3://artifacts/flink/2.3.0/flink.tar',
    ])
      world.artifacts.put(uri, 'x');
    const answer = await submit(fields);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
    expect(await world.store.job('flights', 'delays')).toBeUndefined();
  });

  test('to a cluster that is not there is 404', async () => {
    expect(await submit()).toMatchObject({ status: 404, body: { detail: 'There is no cluster flights' } });
  });

  test('to a cluster that is being terminated is a conflict, with the termination', async () => {
    await givenCluster();
    const termination = await call('terminate-cluster', { path: AT_CLUSTER });
    expect(await submit()).toMatchObject({
      status: 409,
      body: { detail: 'Cluster flights is being terminated', operation: { operationId: termination.body.operationId } },
    });
  });

  test('to a cluster that is being launched is a conflict, with the launch', async () => {
    const launch = await call('create-cluster', { body: CLUSTER });
    expect(await submit()).toMatchObject({ status: 409, body: { operation: { operationId: launch.body.operationId } } });
  });

  test('of a job that runs is a conflict', async () => {
    await givenJob();
    expect(await submit()).toMatchObject({ status: 409, body: { detail: 'Job delays is RUNNING already; upgrade it to change it' } });
  });

  test('of a job that has ended starts its next epoch', async () => {
    await givenJob({ status: 'STOPPED', desired: 'STOPPED', latestSavepoint: 's3://state/sp-1' });
    const before = await world.store.job('flights', 'delays');
    expect((await submit()).status).toBe(202);
    const after = await world.store.job('flights', 'delays');
    expect(after).toMatchObject({
      status: 'SUBMITTING',
      desired: 'RUNNING',
      epoch: 2,
      revision: 2,
      latestSavepoint: 's3://state/sp-1',
      createdAt: before?.createdAt,
    });
    expect(after?.flinkJobId).not.toBe(before?.flinkJobId);
  });

  test('two at once with different keys: one is accepted, the other hears of it', async () => {
    await givenCluster();
    const [one, two] = await Promise.all([submit({}, { key: 'a' }), submit({}, { key: 'b' })]);
    const [winner, loser] = one.status === 202 ? [one, two] : [two, one];
    expect([winner.status, loser.status]).toEqual([202, 409]);
    expect(loser.body.operation.operationId).toBe(winner.body.operationId);
    expect(world.workflows.started.filter(({ kind }) => kind === 'submit-job')).toHaveLength(1);
  });

  test('two at once with the same key are one', async () => {
    await givenCluster();
    const [one, two] = await Promise.all([submit({}, { key: 'a' }), submit({}, { key: 'a' })]);
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(two.body.operationId).toBe(one.body.operationId);
    expect(world.workflows.started.filter(({ kind }) => kind === 'submit-job')).toHaveLength(1);
  });
});

describe('a cluster with Spot hosts', () => {
  const BATCH = { 'execution.runtime-mode': 'BATCH' };
  const script = (mode: string) => ({ script: `SET 'execution.runtime-mode' = '${mode}'; INSERT INTO t SELECT 1` });
  const buySpot = async (flinkConfiguration: Record<string, string> = {}): Promise<void> => {
    const cluster = await world.store.cluster('flights');
    if (!cluster) throw new Error('there is no cluster');
    world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, purchase: { spotPercent: 50 }, flinkConfiguration } }] });
  };
  const refused = {
    status: 422,
    body: {
      errors: [{ path: 'allowSpot', message: expect.stringContaining('cluster flights buys 50 % of its TaskManager hosts as Spot') }],
    },
  };

  test.each<[string, object, Record<string, string>]>([
    ['streams, as jobs do of which nothing is said', {}, {}],
    ['shall not run there, though it is a batch job', { allowSpot: false, flinkConfiguration: BATCH }, {}],
    ['streams by its script, whatever its settings say', { jar: undefined, sql: script('streaming'), flinkConfiguration: BATCH }, {}],
    ['streams by its settings, where its cluster is for batch', { flinkConfiguration: { 'execution.runtime-mode': 'STREAMING' } }, BATCH],
    ['has a mode that its sources decide', { flinkConfiguration: { 'execution.runtime-mode': 'AUTOMATIC' } }, BATCH],
  ])('does not take a job that %s', async (_, fields, configuration) => {
    await givenCluster();
    await buySpot(configuration);
    expect(await submit(fields)).toMatchObject(refused);
    expect(await world.store.job('flights', 'delays')).toBeUndefined();
  });

  test.each<[string, object, Record<string, string>]>([
    ['allows it', { allowSpot: true }, {}],
    ['is a batch job by its settings', { flinkConfiguration: BATCH }, {}],
    ['is a batch job by its script', { jar: undefined, sql: script('batch') }, {}],
    ["is a batch job by its cluster's settings", {}, BATCH],
  ])('takes a job that %s', async (_, fields, configuration) => {
    await givenCluster();
    await buySpot(configuration);
    expect(await submit(fields)).toMatchObject({ status: 202 });
  });

  test('keeps what a job has said: an upgrade goes by it, and may say otherwise', async () => {
    await givenJob({}, { allowSpot: true });
    await buySpot();
    expect((await world.store.job('flights', 'delays'))?.spec.allowSpot).toBe(true);
    const upgrade = (body: object) => call('upgrade-job', { path: AT_JOB, body });
    expect(await upgrade({ parallelism: 6, allowSpot: false })).toMatchObject(refused);
    const { body } = await upgrade({ parallelism: 6 });
    expect((await world.store.operation(body.operationId))?.request).toMatchObject({ spec: { parallelism: 6, allowSpot: true } });
  });

  test('upgrades a job from before that question only once it is answered, and a batch job by the script that it has', async () => {
    await givenJob();
    await buySpot();
    const upgrade = (body: object) => call('upgrade-job', { path: AT_JOB, body });
    expect(await upgrade({ parallelism: 6 })).toMatchObject(refused);
    expect(await submit({ name: 'nightly', jar: undefined, sql: script('batch') })).toMatchObject({ status: 202 });
    const nightly = await world.store.job('flights', 'nightly');
    if (!nightly) throw new Error('there is no job');
    const { lease: _, ...job } = nightly;
    world.store.seed({ jobs: [{ ...job, status: 'RUNNING' }] });
    const ofNightly = (body: object) => call('upgrade-job', { path: { cluster: 'flights', job: 'nightly' }, body });
    expect(await ofNightly({ jar: JAR })).toMatchObject(refused);
    expect(await ofNightly({ parallelism: 6 })).toMatchObject({ status: 202 });
    expect(await upgrade({ parallelism: 6, allowSpot: true })).toMatchObject({ status: 202 });
  });
});

describe('a request with an Idempotency-Key', () => {
  test('finds the first operation, also when the cluster has moved on since', async () => {
    const first = await call('create-cluster', { body: CLUSTER, key: 'k' });
    await world.store.markRunning(first.body.operationId, world.now.toISOString());
    const again = await call('create-cluster', { body: { size: 'small', name: 'flights', overrides: {} }, key: 'k' });
    expect(again).toMatchObject({ status: 202, body: { operationId: first.body.operationId, status: 'RUNNING' } });
    expect(world.workflows.started).toHaveLength(1);
  });

  test('is refused when the request is another', async () => {
    const first = await call('create-cluster', { body: CLUSTER, key: 'k' });
    const other = await call('create-cluster', { body: { ...CLUSTER, size: 'medium' }, key: 'k' });
    expect(other).toMatchObject({
      status: 422,
      body: { type: 'urn:sluice:problem:idempotency-key-reused', detail: expect.stringContaining(first.body.operationId) },
    });
  });

  test('of another caller is another request', async () => {
    const first = await call('create-cluster', { body: CLUSTER, key: 'k' });
    const other = await call('create-cluster', { body: CLUSTER, key: 'k', caller: 'arn:aws:iam::000000000000:user/bob' });
    expect(other).toMatchObject({ status: 409, body: { operation: { operationId: first.body.operationId } } });
  });

  test('that is none is refused', async () => {
    expect(await call('create-cluster', { body: CLUSTER, key: 'k'.repeat(300) })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'Idempotency-Key' }] },
    });
  });

  test.each([
    ['throttles', () => new AwsUnavailable('throttled')],
    ['has too many of them', () => Object.assign(new Error('too many'), { name: 'ExecutionLimitExceeded' })],
    ['refuses it', () => Object.assign(new Error('not\u2028allowed'), { name: 'AccessDeniedException' })],
  ])('starts a workflow that was accepted and not started, because Step Functions %s, and that is in the log', async (_, why) => {
    world.workflows.failNext('start', why());
    const first = await call('create-cluster', { body: CLUSTER, key: 'k' });
    const { operationId } = first.body;
    expect(first).toMatchObject({ status: 202, body: { status: 'PENDING' } });
    const { name, message } = why();
    expect(first.log).toContainEqual(
      expect.objectContaining({ level: 'ERROR', operationId, cluster: 'flights', message: `Not started yet: ${name}: ${message}` }),
    );
    expect(first.lines.join('\n')).not.toContain('\u2028');
    expect(world.workflows.started).toEqual([]);
    await call('create-cluster', { body: CLUSTER, key: 'k' });
    expect(world.workflows.started).toEqual([{ kind: 'launch-cluster', operationId }]);
  });
});

describe('a running job', () => {
  test.each([
    ['stop-job', { drain: true }, 'stop-job', { kind: 'stop-job', mode: 'savepoint', drain: true }],
    ['stop-job', undefined, 'stop-job', { kind: 'stop-job', mode: 'savepoint', drain: false }],
    ['take-savepoint', undefined, 'take-savepoint', { kind: 'take-savepoint' }],
    ['rescale-job', { parallelism: 8 }, 'rescale-job', { kind: 'rescale-job', parallelism: 8, slotsBefore: 4 }],
    ['set-scaling', { priority: 5 }, 'set-scaling', { kind: 'set-scaling', scaling: { enabled: true, priority: 5 } }],
    ['cancel-job', {}, 'stop-job', { kind: 'stop-job', mode: 'cancel', drain: false }],
  ] as const)('%s with %j becomes an operation', async (handler, body, kind, request) => {
    await givenJob();
    const answer = await call(handler, { path: AT_JOB, body });
    expect(answer).toMatchObject({ status: 202, body: { kind, request, job: 'delays' } });
    expect(world.workflows.started.at(-1)).toEqual({ kind, operationId: answer.body.operationId });
  });

  test('is wanted until it has stopped, and no longer once its cancellation is accepted', async () => {
    await givenJob();
    await call('stop-job', { path: AT_JOB });
    expect(await world.store.job('flights', 'delays')).toMatchObject({ desired: 'RUNNING' });
    await call('cancel-job', { path: AT_JOB });
    expect(await world.store.job('flights', 'delays')).toMatchObject({ desired: 'STOPPED' });
  });

  test('is changed by one operation at a time; the second hears of the first', async () => {
    await givenJob();
    const first = await call('take-savepoint', { path: AT_JOB });
    for (const [handler, body] of [
      ['rescale-job', { parallelism: 8 }],
      ['stop-job', {}],
      ['upgrade-job', { parallelism: 8 }],
      ['set-scaling', {}],
      ['take-savepoint', {}],
    ] as const)
      expect(await call(handler, { path: AT_JOB, body })).toMatchObject({
        status: 409,
        body: { operation: { operationId: first.body.operationId } },
      });
  });

  test('can be canceled while another operation is under way', async () => {
    await givenCluster();
    await submit();
    expect((await call('cancel-job', { path: AT_JOB })).status).toBe(202);
    expect(await world.store.job('flights', 'delays')).toMatchObject({ desired: 'STOPPED' });
  });

  test('is upgraded to a whole spec: what is not given stays', async () => {
    await givenJob();
    const jar = { ...JAR, sha256: 'b'.repeat(64) };
    const answer = await call('upgrade-job', { path: AT_JOB, body: { jar, allowNonRestoredState: true } });
    expect(answer.body.request).toMatchObject({
      kind: 'upgrade-job',
      spec: {
        name: 'delays',
        parallelism: 4,
        program: { kind: 'jar', sha256: jar.sha256 },
        restore: { from: 'latest', allowNonRestoredState: true },
      },
    });
  });

  test.each([
    ['source', { msk: { clusterName: 'orders', topics: ['orders'], consumerGroup: 'delays' } }],
    ['retention', { count: 3, days: 7 }],
    ['allowSpot', true],
  ])('is upgraded where nothing but %s is given', async (field, value) => {
    await givenCluster();
    await givenJob();
    const answer = await call('upgrade-job', { path: AT_JOB, body: { [field]: value } });
    expect(answer.body).toMatchObject({ kind: 'upgrade-job', request: { spec: { name: 'delays', [field]: value } } });
  });

  test('is not upgraded to nothing', async () => {
    await givenJob();
    expect(await call('upgrade-job', { path: AT_JOB, body: { allowNonRestoredState: true } })).toMatchObject({ status: 422 });
  });

  test('is not rescaled over the slots of the largest fleet', async () => {
    await givenJob();
    expect(await call('rescale-job', { path: AT_JOB, body: { parallelism: 65 } })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'parallelism', message: '65 slots asked, the largest fleet of 8 TaskManagers has 64' }] },
    });
  });
});

test.each(['stop-job', 'cancel-job', 'take-savepoint', 'rescale-job', 'upgrade-job'] as const)(
  '%s of a job that has ended is a conflict, of an unknown one 404',
  async (handler) => {
    const body = handler === 'rescale-job' || handler === 'upgrade-job' ? { parallelism: 2 } : {};
    await givenJob({ status: 'FINISHED' });
    expect(await call(handler, { path: AT_JOB, body })).toMatchObject({
      status: 409,
      body: { detail: 'Job delays does not run: it is FINISHED' },
    });
    expect(await call(handler, { path: { ...AT_JOB, job: 'other' }, body })).toMatchObject({ status: 404 });
  },
);

describe('how a job scales', () => {
  const SCALING = { minParallelism: 2, serviceLevels: { maxLagSeconds: 30 } };
  const stored = async () => (await world.store.job('flights', 'delays'))?.spec.scaling;

  test('is said with its submission, and stored as said', async () => {
    await givenCluster();
    await call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', jar: JAR, scaling: SCALING } });
    expect(await stored()).toEqual({ enabled: true, priority: 0, ...SCALING });
  });

  test('is changed without a restart: the settings hold from the acceptance on', async () => {
    await givenJob();
    await call('set-scaling', { path: AT_JOB, body: { enabled: false } });
    expect(await stored()).toEqual({ enabled: false, priority: 0 });
  });

  test('stays as it is at an upgrade that does not say it, as does what scaling made of the job', async () => {
    await givenJob();
    const job = await world.store.job('flights', 'delays');
    if (!job) throw new Error('there is no job');
    const scaled = { vertices: { a: 3, b: 4 }, slots: 4 };
    world.store.seed({ jobs: [{ ...job, spec: { ...job.spec, scaling: { enabled: true, priority: 1 }, scaled } }] });
    const jar = { ...JAR, sha256: 'b'.repeat(64) };
    const answer = await call('upgrade-job', { path: AT_JOB, body: { jar } });
    expect(answer.body.request.spec).toMatchObject({ scaling: { enabled: true, priority: 1 }, scaled });
  });

  test('is replaced by an upgrade that says it; a parallelism that is asked for is meant for every vertex', async () => {
    await givenJob();
    const job = await world.store.job('flights', 'delays');
    if (!job) throw new Error('there is no job');
    world.store.seed({ jobs: [{ ...job, spec: { ...job.spec, scaled: { vertices: { a: 3 }, slots: 3 } } }] });
    const answer = await call('upgrade-job', { path: AT_JOB, body: { parallelism: 6, scaling: SCALING } });
    expect(answer.body.request.spec.scaling).toEqual({ enabled: true, priority: 0, ...SCALING });
    expect(answer.body.request.spec).not.toHaveProperty('scaled');
  });

  test.each([
    [{ targetUtilization: 0.4, uMin: 0.5 }, 'targetUtilization'],
    [{ targetUtilization: 0.7, uMax: 0.6 }, 'targetUtilization'],
    [{ uMin: 0.8, uMax: 0.6 }, 'uMin'],
    [{ minParallelism: 5, maxParallelism: 4 }, 'minParallelism'],
    [{ floors: [{ from: '25:00', until: '08:00', parallelism: 2 }] }, 'floors.0.from'],
    [{ catchUp: 3 }, 'catchUp'],
  ])('is refused where it cannot be meant: %j', async (body, path) => {
    await givenJob();
    const answer = await call('set-scaling', { path: AT_JOB, body });
    expect(answer).toMatchObject({ status: 422 });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });

  test.each([
    ['submit-job', 'scaling.', (scaling: object) => submit({ name: 'other', scaling })],
    ['upgrade-job', 'scaling.', (scaling: object) => call('upgrade-job', { path: AT_JOB, body: { scaling } })],
    ['set-scaling', '', (scaling: object) => call('set-scaling', { path: AT_JOB, body: scaling })],
  ] as const)('%s refuses a budget where the stage has no price to hold it to', async (_, within, ask) => {
    await givenJob();
    expect(await ask({ budgetDollarsPerHour: 40 })).toMatchObject({
      status: 422,
      body: { errors: [{ path: `${within}budgetDollarsPerHour`, message: expect.stringMatching(/no price of c\w+\.\w+/) }] },
    });
    expect((await world.store.job('flights', 'delays'))?.spec).not.toHaveProperty('scaling');
    expect((await ask({})).status).toBe(202);
  });
});

describe('a termination', () => {
  test('wants the cluster gone and says what becomes of its jobs', async () => {
    await givenCluster();
    const answer = await call('terminate-cluster', { path: AT_CLUSTER, query: { jobs: 'cancel' } });
    expect(answer).toMatchObject({ status: 202, body: { request: { kind: 'terminate-cluster', jobs: 'cancel' } } });
    expect(await world.store.cluster('flights')).toMatchObject({ desired: 'TERMINATED' });
  });

  test('can be asked for during the launch', async () => {
    await call('create-cluster', { body: CLUSTER });
    expect((await call('terminate-cluster', { path: AT_CLUSTER })).status).toBe(202);
  });

  test('is not done twice: the second hears of the first', async () => {
    await givenCluster();
    const first = await call('terminate-cluster', { path: AT_CLUSTER });
    expect(await call('terminate-cluster', { path: AT_CLUSTER })).toMatchObject({
      status: 409,
      body: { operation: { operationId: first.body.operationId } },
    });
  });

  test('can be asked for again when the first has failed', async () => {
    await givenCluster();
    const first = await call('terminate-cluster', { path: AT_CLUSTER });
    await world.store.endOperation(first.body.operationId, { status: 'FAILED', reason: 'no', endedAt: world.now.toISOString() });
    expect((await call('terminate-cluster', { path: AT_CLUSTER })).status).toBe(202);
  });
});
