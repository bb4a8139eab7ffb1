import { clusterDescription, configurationView, jobDescription, operationView } from '../../../lambdas/contracts/api';
import { renderConfiguration, toYaml } from '../../../lambdas/domain/flink-config';
import { putState } from '../../fakes/checkpoint-metadata';
import { aRecord } from '../domain/scaling/examples';
import { ANA, AT_CLUSTER, AT_JOB, call, givenCluster, givenJob, JAR, resetWorld, TEST_STAGE, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);
beforeEach(resetWorld);

describe('clusters', () => {
  test('are listed page by page', async () => {
    for (const name of ['one', 'two', 'three']) await givenCluster({}, name);
    const { body } = await call('list-clusters', { query: { limit: '2' } });
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['one', 'three']);
    expect(body.next).toEqual(expect.any(String));
  });

  test('are described as stored and as the JobManager sees them', async () => {
    await givenJob();
    await call('describe-job', { path: AT_JOB });
    const { body } = await call('describe-cluster', { path: AT_CLUSTER });
    expect(clusterDescription.parse(body)).toMatchObject({
      name: 'flights',
      status: 'RUNNING',
      live: { taskManagers: 2, slotsTotal: 16, jobs: [{ name: 'delays', state: 'RUNNING' }] },
    });
    expect(body).not.toHaveProperty('lease');
  });

  test('tell what was found of their home zone while they are elsewhere', async () => {
    const home = { seenAt: '2026-03-01T11:59:00.000Z', reason: 'eu-central-1a is not well' };
    await givenCluster({ home });
    const zone = (await world.store.cluster('flights'))?.zone;
    expect((await call('describe-cluster', { path: AT_CLUSTER })).body).toMatchObject({ zone, spec: { zone } });
    expect((await call('describe-cluster', { path: AT_CLUSTER })).body).not.toHaveProperty('home');
    await givenCluster({ home, zone: 'elsewhere' }, 'other');
    expect((await call('describe-cluster', { path: { cluster: 'other' } })).body).toMatchObject({ home });
  });

  test('are described without a live part when Flink does not answer, with the reason', async () => {
    await givenCluster();
    world.flink.reachable = false;
    expect((await call('describe-cluster', { path: AT_CLUSTER })).body).toMatchObject({
      status: 'RUNNING',
      live: null,
      liveReason: expect.stringContaining('Flink did not answer'),
    });
  });

  test('show the operation under way', async () => {
    const { body } = await call('create-cluster', { body: { name: 'flights', size: 'small' } });
    expect((await call('describe-cluster', { path: AT_CLUSTER })).body).toMatchObject({
      live: null,
      liveReason: 'The cluster has no JobManager now',
      operation: { operationId: body.operationId, href: `/clusters/flights/operations/${body.operationId}` },
    });
  });
});

describe('jobs', () => {
  test('are described as stored and as Flink sees them', async () => {
    await givenJob();
    await call('describe-job', { path: AT_JOB });
    const { body } = await call('describe-job', { path: AT_JOB });
    expect(jobDescription.parse(body)).toMatchObject({
      status: 'RUNNING',
      live: { state: 'RUNNING', parallelism: 4, checkpoints: { completed: 0 } },
    });
    expect(body).not.toHaveProperty('jarId');
  });

  test.each([
    ['FINISHED', 'FINISHED'],
    ['FAILED', 'FAILED'],
  ] as const)('that Flink saw become %s are stored so', async (state, status) => {
    await givenJob();
    const { flinkJobId } = (await world.store.job('flights', 'delays')) ?? { flinkJobId: '' };
    world.flink.breakJob(flinkJobId, state, 'boom');
    expect((await call('describe-job', { path: AT_JOB })).body).toMatchObject({ status });
    expect(await world.store.job('flights', 'delays')).toMatchObject({ status });
  });

  test.each([
    ['a moment ago: the JobManager has lost it', 1, 'FAILED'],
    ['two days ago: it may have ended well long since', 48, 'RUNNING'],
  ])('that Flink does not know, last stored %s', async (_, hours, status) => {
    await givenJob();
    world.flink.restart();
    world.now = new Date(world.now.getTime() + hours * 3_600_000);
    expect((await call('describe-job', { path: AT_JOB })).body).toMatchObject({
      status,
      live: null,
      liveReason: expect.stringMatching(/restarted, or the job ended more than a day ago/),
    });
    expect(await world.store.job('flights', 'delays')).toMatchObject({ status });
  });

  describe('that Flink does not show just after its JobManager has come back', () => {
    const statusAfter = async (seconds: number): Promise<string> => {
      world.now = new Date(world.now.getTime() + seconds * 1_000);
      return (await call('describe-job', { path: AT_JOB })).body.status;
    };
    beforeEach(async () => {
      await givenJob();
      world.flink.restart();
    });

    test('have not ended before it has had a minute, and the next look, to recover them', async () => {
      const job = await world.store.job('flights', 'delays');
      if (!job) throw new Error('There is no job');
      world.observations.seed(aRecord({ jobEpoch: job.epoch, flinkJobId: job.flinkJobId, observedAt: world.now.toISOString() }));
      expect([await statusAfter(20), await statusAfter(69), await statusAfter(2)]).toEqual(['RUNNING', 'RUNNING', 'FAILED']);
    });

    test('have not ended while the last look has not reached it', async () => {
      const now = world.now.toISOString();
      const { epoch = 0 } = (await world.store.cluster('flights')) ?? {};
      await world.store.recordFault('flights', epoch, { kind: 'jobmanager-unreachable', epoch, since: now, seenAt: now });
      expect(await statusAfter(60)).toBe('RUNNING');
      await world.store.recordFault('flights', epoch, undefined);
      expect(await statusAfter(60)).toBe('FAILED');
    });
  });

  test('are not touched while an operation changes them', async () => {
    await givenJob();
    await call('take-savepoint', { path: AT_JOB });
    const { flinkJobId } = (await world.store.job('flights', 'delays')) ?? { flinkJobId: '' };
    world.flink.breakJob(flinkJobId, 'FAILED', 'boom');
    expect((await call('describe-job', { path: AT_JOB })).body).toMatchObject({
      status: 'RUNNING',
      live: { state: 'FAILED', failure: 'boom' },
    });
  });

  test('are described as stored when Flink does not answer', async () => {
    await givenJob();
    world.flink.reachable = false;
    expect((await call('describe-job', { path: AT_JOB })).body).toMatchObject({ status: 'RUNNING', live: null });
  });

  test('are listed, and an unknown cluster has none but a 404', async () => {
    await givenJob();
    expect((await call('list-jobs', { path: AT_CLUSTER })).body.items).toEqual([expect.objectContaining({ name: 'delays' })]);
    expect((await call('list-jobs', { path: { cluster: 'other' } })).status).toBe(404);
  });

  test('have a snapshot deleted by its id with its own files, and once more without harm; what a job needs stays, and the answer says why', async () => {
    await givenJob();
    const flinkJobId = (await world.store.job(AT_JOB.cluster, AT_JOB.job))?.flinkJobId as string;
    const state = 's3://state/clusters/flights/jobs/delays';
    const [chk, old] = [`${state}/checkpoints/${flinkJobId}/chk-7`, `${state}/savepoints/savepoint-1`];
    const shared = { path: `${state}/checkpoints/${flinkJobId}/shared/1`, sizeBytes: 50 };
    putState(world.artifacts, chk, { checkpointId: 7, files: [shared], at: new Date(Date.UTC(2026, 2, 1, 11, 50)) });
    putState(world.artifacts, old, {
      checkpointId: 5,
      files: [shared, { path: 'state', sizeBytes: 100 }],
      at: new Date(Date.UTC(2026, 2, 1, 11, 40)),
    });
    await world.store.putSnapshot({
      ...AT_JOB,
      location: old,
      kind: 'savepoint',
      origin: 'op',
      flinkJobId,
      takenAt: world.now.toISOString(),
    });
    const listed = (await call('list-snapshots', { path: AT_JOB })).body.items as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual([`${flinkJobId}-chk-7`, 'savepoint-1']);

    const refused = await call('delete-snapshot', { path: { ...AT_JOB, snapshot: `${flinkJobId}-chk-7` } });
    expect(refused).toMatchObject({ status: 409, body: { type: 'urn:sluice:problem:conflict' } });
    expect(refused.body.detail).toMatch(/running start of job delays, which Flink keeps/);

    const deleted = await call('delete-snapshot', { path: { ...AT_JOB, snapshot: 'savepoint-1' } });
    expect(deleted).toMatchObject({ status: 200, body: { id: 'savepoint-1', location: old, deleted: true, objects: 2 } });
    expect(deleted.body.reason).toMatch(/1 stay, which other snapshots or a running job need/);
    expect(deleted.log.find(({ audit }) => audit === true)).toMatchObject({
      action: 'delete-snapshot',
      snapshot: 'savepoint-1',
      status: 200,
      caller: ANA,
    });
    expect(await world.artifacts.size(shared.path)).toBe(50);
    expect(await world.artifacts.list('state', 'clusters/flights/jobs/delays/savepoints')).toEqual([]);
    expect((await call('list-snapshots', { path: AT_JOB })).body.items).toHaveLength(1);

    const again = await call('delete-snapshot', { path: { ...AT_JOB, snapshot: 'savepoint-1' } });
    expect(again).toMatchObject({ status: 200, body: { deleted: false, objects: 0, freedBytes: 0 } });
    expect((await call('delete-snapshot', { path: { ...AT_JOB, snapshot: '..' } })).status).toBe(400);
    expect((await call('delete-snapshot', { path: { ...AT_JOB, job: 'other', snapshot: 'savepoint-1' } })).status).toBe(404);
    const { body: savepoint } = await call('take-savepoint', { path: AT_JOB, body: {} });
    const busy = await call('delete-snapshot', { path: { ...AT_JOB, snapshot: 'savepoint-1' } });
    expect(busy).toMatchObject({ status: 409, body: { operation: { operationId: savepoint.operationId } } });
  });

  test('have their snapshots listed: what would be restored first comes first, and what cannot be restored says why', async () => {
    await givenJob();
    const flinkJobId = (await world.store.job(AT_JOB.cluster, AT_JOB.job))?.flinkJobId as string;
    const state = 's3://state/clusters/flights/jobs/delays';
    const [chk, whole, broken] = [`${state}/checkpoints/${flinkJobId}/chk-7`, `${state}/savepoints/a`, `${state}/savepoints/b`];
    const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 11, minute));
    for (const [location, checkpointId, minute] of [
      [chk, 7, 50],
      [whole, 5, 40],
      [broken, 8, 55],
    ] as const)
      putState(world.artifacts, location, { checkpointId, files: [{ path: 'state', sizeBytes: 100 }], at: at(minute) });
    world.artifacts.remove(`${broken}/state`);
    for (const location of [whole, broken, `${state}/savepoints/gone`])
      await world.store.putSnapshot({ ...AT_JOB, location, kind: 'savepoint', origin: 'op', flinkJobId, takenAt: at(59).toISOString() });
    const { body } = await call('list-snapshots', { path: AT_JOB });
    expect(
      body.items.map(({ location, restorable }: { location: string; restorable: string }) => [location.split('/').at(-1), restorable]),
    ).toEqual([
      ['b', 'no'],
      ['chk-7', 'yes'],
      ['a', 'yes'],
      ['gone', 'no'],
    ]);
    expect(body.items[0]).toMatchObject({ origin: 'op', reason: expect.stringMatching(/1 of its 1 files .*b\/state is missing/) });
    expect(body.items[1]).toMatchObject({ kind: 'checkpoint', epoch: 1, ageSeconds: 600, files: 2, takenAt: at(50).toISOString() });
    expect(body.items[1].sizeBytes).toBeGreaterThan(100);
    expect(body.items[3]).toMatchObject({ reason: expect.stringMatching(/is gone/), sizeBytes: 0 });

    const first = (await call('list-snapshots', { path: AT_JOB, query: { limit: '3' } })).body;
    expect(first.items).toHaveLength(3);
    const second = (await call('list-snapshots', { path: AT_JOB, query: { limit: '3', after: first.next } })).body;
    expect(second.items.map(({ location }: { location: string }) => location)).toEqual([`${state}/savepoints/gone`]);
    expect(second.next).toBeUndefined();
    expect((await call('list-snapshots', { path: AT_JOB, query: { after: 'bm8' } })).status).toBe(422);
    expect((await call('list-snapshots', { path: { ...AT_JOB, job: 'other' } })).status).toBe(404);
  });
});

describe('operations', () => {
  test('are listed newest first, and followed one by one', async () => {
    await givenCluster();
    world.now = new Date('2026-03-01T12:05:00.000Z');
    const { body } = await call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', jar: JAR } });
    const list = (await call('list-operations', { path: AT_CLUSTER })).body.items;
    expect(list.map(({ kind }: { kind: string }) => kind)).toEqual(['submit-job', 'launch-cluster']);
    const followed = await call('describe-operation', { path: { ...AT_CLUSTER, operation: body.operationId } });
    expect(operationView.parse(followed.body)).toMatchObject({ operationId: body.operationId, kind: 'submit-job', job: 'delays' });
  });

  test('are not found below another cluster', async () => {
    await givenCluster({}, 'other');
    const { body } = await call('create-cluster', { body: { name: 'flights', size: 'small' } });
    expect((await call('describe-operation', { path: { cluster: 'other', operation: body.operationId } })).status).toBe(404);
  });
});

test('no view of a cluster, a job or an operation shows the value of a secret setting', async () => {
  const secret = { 'table.secret-token': 'hunter2', 'table.x.password': 'hunter2' };
  await givenJob();
  const [cluster, job] = [await world.store.cluster('flights'), await world.store.job('flights', 'delays')];
  if (!cluster || !job) throw new Error('no cluster or job');
  const flinkConfiguration = { ...secret, 'table.exec.state.ttl': '1 h' };
  const upgraded = await call('upgrade-job', { path: AT_JOB, body: { flinkConfiguration } });
  const previousSpec = { ...job.spec, flinkConfiguration };
  world.store.seed({
    clusters: [{ ...cluster, spec: { ...cluster.spec, flinkConfiguration } }],
    jobs: [{ ...job, spec: previousSpec, previousSpec }],
  });
  const operation = { ...AT_CLUSTER, operation: upgraded.body.operationId };
  const answers = [
    upgraded,
    await call('describe-operation', { path: operation }),
    await call('list-operations', { path: AT_CLUSTER }),
    await call('describe-cluster', { path: AT_CLUSTER }),
    await call('list-clusters'),
    await call('describe-job', { path: AT_JOB }),
    await call('list-jobs', { path: AT_CLUSTER }),
  ];
  for (const { body } of answers) {
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(JSON.stringify(body)).toContain('"table.secret-token":"(hidden)"');
    expect(JSON.stringify(body)).toContain('"table.exec.state.ttl":"1 h"');
  }
});

const STANDBY = {
  zone: 'eu-central-1b',
  networkInterfaceId: 'eni-2',
  address: '10.0.2.20',
  group: 'sluice-test-flights-e1-jobmanager-standby',
};

test('a cluster shows which JobManager stands by, and what it costs and gives', async () => {
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '10.0.1.20', standby: STANDBY };
  await givenCluster({ resources });
  const { body } = await call('describe-cluster', { path: AT_CLUSTER });
  expect(clusterDescription.parse(body)).toMatchObject({
    resources: { standby: STANDBY },
    placement: { standby: { zone: 'eu-central-1b', costs: expect.stringMatching(/^One more JobManager host/) } },
    live: expect.any(Object),
  });
});

test('a cluster shows both placements side by side, with which of them it has', async () => {
  await givenCluster({ resources: { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '10.0.1.20' } });
  const { body } = await call('describe-cluster', { path: AT_CLUSTER });
  const { mode, choices } = clusterDescription.parse(body).placement;
  expect(choices.map((one) => [one.mode, one.chosen])).toEqual([
    ['single-zone', mode === 'single-zone'],
    ['spread', mode === 'spread'],
  ]);
  for (const { costs, latency, recovery } of choices) expect([costs, latency, recovery].every((text) => text.length > 40)).toBe(true);
});

describe('the configuration of a cluster', () => {
  const written = async (change: (yaml: string) => string = (yaml) => yaml): Promise<void> => {
    const cluster = await world.store.cluster('flights');
    if (!cluster) throw new Error('no cluster');
    for (const role of ['jobmanager', 'taskmanager'] as const) {
      const input = {
        name: cluster.name,
        epoch: cluster.epoch,
        size: cluster.size,
        flinkConfiguration: cluster.spec.flinkConfiguration,
        jobManagerAddress: '10.0.1.20',
      };
      world.artifacts.put(
        `s3://state/clusters/flights/e1/config/${role}.yaml`,
        change(toYaml(renderConfiguration(role, { stage: TEST_STAGE, cluster: input }))),
      );
    }
  };

  test('is what its processes run with, with who decided each value and why', async () => {
    await givenCluster();
    await written();
    const { body } = await call('read-configuration', { path: AT_CLUSTER });
    expect(configurationView.parse(body).taskmanager).toContainEqual({
      key: 'taskmanager.data.port',
      value: '6124',
      source: 'control plane',
      reason: expect.any(String),
    });
  });

  test('is as it was at the launch, also when the control plane would choose otherwise today', async () => {
    await givenCluster();
    await written((yaml) => yaml.replace('heartbeat.timeout: "2 s"', 'heartbeat.timeout: "50 s"'));
    const { body } = await call('read-configuration', { path: AT_CLUSTER });
    expect(body.jobmanager).toContainEqual({
      key: 'heartbeat.timeout',
      value: '50 s',
      source: 'control plane',
      reason: 'as it was when the cluster was launched',
    });
  });

  test('names both JobManagers where one stands by', async () => {
    const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '10.0.1.20', standby: STANDBY };
    await givenCluster({ resources });
    await written((yaml) => `${yaml}high-availability.sluice.jobmanagers: "10.0.1.20,10.0.2.20"\n`);
    const { body } = await call('read-configuration', { path: AT_CLUSTER });
    for (const role of ['jobmanager', 'taskmanager'] as const)
      expect(configurationView.parse(body)[role]).toContainEqual({
        key: 'high-availability.sluice.jobmanagers',
        value: '10.0.1.20,10.0.2.20',
        source: 'control plane',
        reason: expect.stringContaining('the one that stands by'),
      });
  });

  test('does not show secrets', async () => {
    await givenCluster();
    await written((yaml) => `${yaml}s3.secret-key: "abc"\ns3.access.key: "def"\n`);
    const { body } = await call('read-configuration', { path: AT_CLUSTER });
    const shown = body.jobmanager.filter(({ key }: { key: string }) => key.startsWith('s3.') && key !== 's3.region');
    expect(shown.map(({ value }: { value: string }) => value)).toEqual(['(hidden)', '(hidden)']);
  });

  test('is a conflict before it is written', async () => {
    await call('create-cluster', { body: { name: 'flights', size: 'small' } });
    expect((await call('read-configuration', { path: AT_CLUSTER })).status).toBe(409);
  });
});
