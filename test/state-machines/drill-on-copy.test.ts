import type { Cluster } from '../../lambdas/contracts/cluster';
import { AwsUnavailable } from '../../lambdas/contracts/errors';
import type { Job } from '../../lambdas/contracts/job';
import type { Operation } from '../../lambdas/contracts/operation';
import { copyNameOf } from '../../lambdas/domain/drill-copy';
import { inTheWayOf } from '../../lambdas/usecases/failover/consider-fail-back';
import { putState } from '../fakes/checkpoint-metadata';
import { enter, run } from './support/functions';
import { recover, violations } from './support/recover';
import { STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

const ARGUMENTS = ['--input', 'orders', '--rehearse'];
const WISH = { jobs: { delays: { arguments: ARGUMENTS } } };
const SQL =
  "CREATE TABLE s (x INT) WITH ('connector' = 'kafka'); CREATE TABLE t (x INT) WITH ('connector' = 'kafka'); INSERT INTO t SELECT x FROM s";

let world: World;
let checkpoint: string;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission(world.jarSpec(4)));
  checkpoint = world.flink.completeCheckpoint((await world.job()).flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
});

const ended = async ({ operationId }: Operation): Promise<Operation> => (await world.store.operation(operationId)) as Operation;
const copy = async (): Promise<Cluster> => (await world.store.cluster('flights-drill')) as Cluster;
const onCopy = async (name = 'delays'): Promise<Job> => (await world.store.job('flights-drill', name)) as Job;
const drill = async (
  jobs: Parameters<World['acceptCopyDrill']>[0] = { jobs: { delays: { arguments: ARGUMENTS } } },
): Promise<Operation> => {
  const operation = await world.acceptCopyDrill(jobs);
  await run(operation);
  return ended(operation);
};
/** All that a drill must leave as it is. */
const untouched = async (): Promise<unknown> => {
  const { updatedAt: _, ...cluster } = await world.cluster();
  return structuredClone({
    cluster,
    job: await world.job(),
    inside: await world.jobManagerAt(cluster.resources.jobManagerAddress ?? '').jobs(),
  });
};

describe('a drill on a copy', () => {
  test('starts the jobs elsewhere from the state that they would go on from, reports each part, and leaves nothing', async () => {
    const before = await untouched();
    const original = world.flink;
    world.now += 7_000;
    const operation = await drill();
    expect(operation).toMatchObject({
      status: 'SUCCEEDED',
      cluster: 'flights',
      reason: 'A move of the cluster from us-east-1a to us-east-1b was rehearsed on flights-drill, of which nothing is left.',
    });
    const report = operation.result?.failover;
    expect(Object.keys(report?.seconds ?? {}).sort()).toEqual(['capacity', 'decide', 'firstCheckpoint', 'firstRecord', 'restore']);
    expect(report).toMatchObject({ capacity: 'cold', objectiveSeconds: 120, objectiveMet: true, outageSeconds: expect.any(Number) });
    expect(report?.reprocessedSeconds?.delays).toBeGreaterThanOrEqual(7);
    expect(report?.notRehearsed).toBeUndefined();
    expect(world.flink).not.toBe(original);
    expect(world.flink.calls.filter(({ method }) => method === 'runJar').map(({ args }) => args[0])).toEqual([
      expect.objectContaining({
        savepoint: checkpoint.replace('/flights/', '/flights-drill/'),
        allowNonRestoredState: true,
        arguments: ARGUMENTS,
        parallelism: 4,
        flinkJobId: (await onCopy()).flinkJobId,
      }),
    ]);
    expect(await copy()).toMatchObject({ status: 'TERMINATED', copyOf: 'flights', zone: 'us-east-1b', size: { taskManagers: { min: 2 } } });
    expect(await onCopy()).toMatchObject({ status: 'FINISHED', desired: 'STOPPED' });
    expect(await untouched()).toEqual(before);
    expect(await violations(world)).toEqual([]);
  });

  test('counts no copying of state into the outage, since a move starts from where it lies', async () => {
    const outage = async (): Promise<number | undefined> => (await drill()).result?.failover?.outageSeconds;
    const before = await outage();
    world.onCall = (port, method) => {
      if (port === 'artifacts' && method === 'copy') world.now += 20_000;
    };
    expect(await outage()).toBe(before);
  });

  test('can be held again and again, each time as another epoch with other ids', async () => {
    const first = await drill();
    const { flinkJobId } = await onCopy();
    expect(await drill()).toMatchObject({ status: 'SUCCEEDED' });
    expect(first.status).toBe('SUCCEEDED');
    expect(await copy()).toMatchObject({ epoch: 2 });
    expect((await onCopy()).flinkJobId).not.toBe(flinkJobId);
    expect(await violations(world)).toEqual([]);
  });

  test('runs a SQL job by its own script, with black holes for sinks, or by one that is given', async () => {
    const spec = world.sqlSpec(2, 'counts');
    await run(await world.acceptSubmission({ ...spec, program: world.scriptOf('counts', SQL) }));
    expect(await drill({})).toMatchObject({
      status: 'SUCCEEDED',
      result: { failover: { notRehearsed: { delays: expect.stringMatching(/^Left out of the drill: a jar writes/) } } },
    });
    const ran = (): unknown =>
      world.flink.calls.filter(({ method }) => method === 'runSql').map(({ args }) => (args[0] as { script: string }).script);
    const made = [
      "CREATE TABLE s (x INT) WITH ( 'connector' = 'kafka', 'properties.commit.offsets.on.checkpoint' = 'false', 'properties.enable.auto.commit' = 'false');",
      "CREATE TABLE t (x INT) WITH ( 'connector' = 'blackhole');",
      'INSERT INTO t SELECT x FROM s;',
      '',
    ].join('\n');
    expect(ran()).toEqual([made]);
    expect(await onCopy()).toMatchObject({ status: 'CANCELED' });

    await drill({ jobs: { counts: { script: "CREATE TABLE n (x INT) WITH ('connector' = 'print'); INSERT INTO n VALUES (1)" } } });
    expect(ran()).toEqual(["CREATE TABLE n (x INT) WITH ( 'connector' = 'blackhole');\nINSERT INTO n VALUES (1);\n"]);
    expect(await violations(world)).toEqual([]);
  });

  test('fails where none of the jobs can be rehearsed, and leaves nothing', async () => {
    await run(await world.acceptSubmission(world.sqlSpec(2, 'counts')));
    expect(await drill({})).toMatchObject({
      status: 'FAILED',
      error: {
        name: 'JobFailed',
        message: expect.stringContaining(
          'counts: Left out of the drill: its script cannot be run so that it writes nowhere: line 1: the script writes to sink',
        ),
      },
    });
    expect(await violations(world)).toEqual([]);
  });

  test('fails where a job does not come back, says why, and measures the others', async () => {
    await run(await world.acceptSubmission(world.jarSpec(2, 'second', 'second')));
    world.flink.behaviour = ({ jobName }) => (jobName === 'second' ? { does: 'fail', reason: 'no such topic' } : { does: 'run' });
    const operation = await drill({ jobs: { delays: { arguments: ARGUMENTS }, second: { arguments: [] } } });
    expect(operation).toMatchObject({
      status: 'FAILED',
      error: { name: 'JobFailed', message: expect.stringMatching(/^second did not come back: .*no such topic/) },
    });
    expect(operation.result?.failover).toMatchObject({
      notRehearsed: { second: expect.stringContaining('no such topic') },
      seconds: { firstRecord: expect.any(Number) },
      objectiveMet: false,
    });
    expect(operation.result?.failover).not.toHaveProperty('outageSeconds');
    expect(await violations(world)).toEqual([]);
  });

  test('starts a job again that fails before it has tasks', async () => {
    let starts = 0;
    world.flink.behaviour = () => (++starts === 1 ? { does: 'fail', reason: 'FileNotFoundException', stillborn: true } : { does: 'run' });
    expect(await drill()).toMatchObject({ status: 'SUCCEEDED' });
    expect(starts).toBe(2);
    expect(await violations(world)).toEqual([]);
  });

  test('says that the zone has no hosts, and takes away what was made', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1b');
    expect(await drill()).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 1 });
    expect(await violations(world)).toEqual([]);
  });

  test('holds nothing of the cluster: it moves meanwhile, and is terminated meanwhile, and the drill goes on to its end', async () => {
    const moved = await world.acceptCopyDrill(WISH);
    await run(moved, 6);
    const move = await world.acceptFailover({ mode: 'planned', zone: 'us-east-1c' });
    await run(move);
    expect(await ended(move)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await ended(moved)).toMatchObject({ status: 'RUNNING' });
    await recover(world, moved.operationId);
    expect(await ended(moved)).toMatchObject({ status: 'FAILED', error: { name: 'WorkflowInterrupted' } });
    expect(await violations(world)).toEqual([]);

    const other = await world.acceptCopyDrill(WISH);
    await run(await world.acceptTermination());
    expect(await world.cluster()).toMatchObject({ status: 'TERMINATED' });
    await run(other);
    expect(await ended(other)).toMatchObject({ status: expect.stringMatching(/SUCCEEDED|FAILED/) });
    expect(await violations(world)).toEqual([]);
  });

  test('copies the next newest checkpoint where Flink deletes one while it is copied, and leaves the original as it is', async () => {
    const { flinkJobId } = await world.job();
    let copies = 0;
    world.onCall = (port, method) => {
      if (port !== 'artifacts' || method !== 'copy' || ++copies > 1) return;
      world.artifacts.remove(`${checkpoint}/state`);
      world.firstFlink().completeCheckpoint(flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    };
    const ofFlights = (): readonly string[] => world.artifacts.uris().filter((uri) => uri.startsWith('s3://state/clusters/flights/'));
    const before = ofFlights().length;
    const operation = await drill();
    expect([operation.status, copies]).toEqual(['SUCCEEDED', 2]);
    expect((await onCopy()).restoredFrom).toMatch(/flights-drill\/jobs\/delays\/checkpoints\/[0-9a-f]+\/chk-2$/);
    // One file less, and the next checkpoint.
    expect(ofFlights()).toHaveLength(before - 1 + 2);
    expect(await violations(world)).toEqual([]);
  });

  test('looks again where all that is known of the state is gone by the time that it is read, also in a further task', async () => {
    const { flinkJobId } = await world.job();
    let reads = 0;
    world.onCall = (port, method) => {
      if (port !== 'artifacts' || method !== 'read' || ++reads > 6) return;
      // S3 takes its time, and Flink goes on.
      world.now += 11_000;
      for (const uri of world.artifacts.uris())
        if (uri.includes(`/flights/jobs/delays/checkpoints/${flinkJobId}/`)) world.artifacts.remove(uri);
      world.firstFlink().completeCheckpoint(flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    };
    const operation = await drill();
    expect(operation.status).toBe('SUCCEEDED');
    expect(operation.phases.find(({ name }) => name === 'Copy jobs')?.attempts).toBeGreaterThan(1);
    expect(await violations(world)).toEqual([]);
  });

  test('leaves a job out whose checkpoints are deleted sooner than they are copied', async () => {
    world.faults = ({ port, method }) => (port === 'artifacts' && method === 'copy' ? { by: { copy: async () => false } } : undefined);
    expect(await drill()).toMatchObject({
      status: 'FAILED',
      error: { message: expect.stringContaining('deleted sooner than they are copied') },
    });
    world.faults = () => undefined;
    expect(await violations(world)).toEqual([]);
  });

  test('says which operators have not found their state, since Flink says it to nobody', async () => {
    const { flinkJobId } = await world.job();
    putState(world.artifacts, checkpoint, { checkpointId: 1, operator: 7, files: [{ path: 'state', sizeBytes: 10 }] });
    const { result } = await drill();
    expect(result?.failover?.stateNotTaken).toEqual({ delays: ['Count (10 bytes)'] });
    putState(world.artifacts, checkpoint, { checkpointId: 1, files: [{ path: 'state', sizeBytes: 10 }] });
    expect((await drill()).result?.failover).not.toHaveProperty('stateNotTaken');
    expect((await world.job()).flinkJobId).toBe(flinkJobId);
  });

  test('says nothing of operators where the metadata of the first checkpoint is gone', async () => {
    putState(world.artifacts, checkpoint, { checkpointId: 1, operator: 7, files: [{ path: 'state', sizeBytes: 10 }] });
    const { flinkJobId } = await world.job();
    let gone = 0;
    const read = async (uri: string): Promise<Buffer | undefined> => {
      if (uri.includes(flinkJobId)) return world.artifacts.read(uri);
      gone += 1;
      return undefined;
    };
    world.faults = ({ port, method }) => (port === 'artifacts' && method === 'read' ? { by: { read } } : undefined);
    const { status, result } = await drill();
    expect([status, gone]).toEqual(['SUCCEEDED', 1]);
    expect(result?.failover).not.toHaveProperty('stateNotTaken');
  });

  test('says so where the jobs have grown since it was asked for, and no longer have the hosts that were counted', async () => {
    const operation = await world.acceptCopyDrill(WISH);
    const job = await world.job();
    world.store.seed({ jobs: [{ ...job, spec: { ...job.spec, parallelism: 9 } }] });
    await run(operation);
    const { reason } = (await ended(operation)).phases.find(({ name }) => name === 'Copy jobs') ?? {};
    expect(reason).toContain('they have grown since: they need 9 slots, and 4 are there');
  });

  test('goes on with the next job in a further task, and copies none again', async () => {
    await run(await world.acceptSubmission(world.jarSpec(2, 'second', 'second')));
    let put = 0;
    world.onCall = (port, method) => {
      if (port === 'artifacts' && method === 'copy') world.now += 61_000;
      if (port === 'store' && method === 'copyJob') put += 1;
    };
    const operation = await drill({ jobs: { delays: { arguments: ARGUMENTS }, second: { arguments: [] } } });
    expect([operation.status, put]).toEqual(['SUCCEEDED', 2]);
    expect(operation.phases.find(({ name }) => name === 'Copy jobs')?.attempts).toBe(2);
  });

  test('places no TaskManager in the zone whose loss it rehearses', async () => {
    const zones = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
    world.store.seed({ clusters: [{ ...(await world.cluster()), zones }] });
    await world.acceptCopyDrill(WISH);
    expect(await copy()).toMatchObject({ zones, avoidedZones: ['us-east-1a'] });
  });

  test('takes no word that every object has for the name of a job', async () => {
    await run(await world.acceptSubmission(world.jarSpec(2, 'second', 'constructor')));
    const { status, result } = await drill();
    expect(status).toBe('SUCCEEDED');
    expect(Object.entries(result?.failover?.notRehearsed ?? {})).toEqual([['constructor', expect.stringContaining('a jar writes where')]]);
  });

  test('leaves a job out with a file that is larger than S3 copies in the time that there is', async () => {
    putState(world.artifacts, checkpoint, { checkpointId: 1, files: [{ path: 'state', sizeBytes: 2_000_000_000 }] });
    expect(await drill()).toMatchObject({
      status: 'FAILED',
      error: { message: expect.stringContaining('has 2000000000 bytes, and S3 copies no more') },
    });
  });

  test('ends when the cluster moves, which may lack its hosts', async () => {
    const operation = await world.acceptCopyDrill(WISH);
    await run(operation, 7);
    const move = await world.acceptFailover({ mode: 'lost', zone: 'us-east-1b' });
    await run(move);
    const moved = await ended(move);
    expect(moved.status).toBe('SUCCEEDED');
    expect(moved.phases.find(({ name }) => name === 'Take over the jobs')?.reason).toMatch(/, the drill on a copy ends$/);
    expect((await copy()).desired).toBe('TERMINATED');
    await recover(world, operation.operationId);
    expect(await copy()).toMatchObject({ status: 'TERMINATED' });
    expect(await violations(world)).toEqual([]);
  });

  test('does not strike whoever has its name next, and stays gone, where the answer to its end was lost', async () => {
    const first = await world.acceptCopyDrill(WISH);
    world.faults = ({ port, method }) =>
      port === 'store' && method === 'endOperation' ? { error: new AwsUnavailable('no answer'), when: 'before' } : undefined;
    await run(first);
    world.faults = () => undefined;
    expect([(await ended(first)).status, (await copy()).status]).toEqual(['RUNNING', 'TERMINATED']);
    const second = await world.acceptCopyDrill(WISH);
    await recover(world, first.operationId);
    expect((await ended(first)).status).toBe('FAILED');
    expect(await ended(first)).not.toHaveProperty('result');
    expect(await copy()).toMatchObject({ status: 'LAUNCHING', desired: 'RUNNING', epoch: 2 });
    await run(second);
    expect(await ended(second)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await violations(world)).toEqual([]);
  });

  test('is gone although the answer to its end was lost, also when nobody uses the name again', async () => {
    const operation = await world.acceptCopyDrill(WISH);
    world.faults = ({ port, method }) =>
      port === 'store' && method === 'endOperation' ? { error: new AwsUnavailable('no answer'), when: 'before' } : undefined;
    await run(operation);
    world.faults = () => undefined;
    const { statusReason } = await copy();
    await recover(world, operation.operationId);
    expect(await copy()).toMatchObject({ status: 'TERMINATED', statusReason });
    expect(await violations(world)).toEqual([]);
  });

  test('whose copy could not be taken away has the sweeper do it', async () => {
    world.faults = ({ method }) =>
      method === 'deleteGroups' ? { error: new AwsUnavailable('Auto Scaling is down'), when: 'before' } : undefined;
    const operation = await drill();
    expect(operation.status).toBe('FAILED');
    expect(await copy()).toMatchObject({ status: 'FAILED', statusReason: expect.stringContaining('Auto Scaling is down') });
    await recover(world, '');
    expect(await copy()).toMatchObject({ status: 'FAILED' });
    world.faults = () => undefined;
    await world.pause(600);
    await recover(world, '');
    expect(await copy()).toMatchObject({ status: 'TERMINATED' });
    expect(await violations(world)).toEqual([]);
  });

  test('whose copy could not be taken away leaves that to whoever does it already', async () => {
    world.faults = ({ method }) =>
      method === 'deleteGroups' ? { error: new AwsUnavailable('Auto Scaling is down'), when: 'before' } : undefined;
    await drill();
    world.faults = () => undefined;
    await world.pause(600);
    const termination = { ...world.operation({ kind: 'terminate-cluster', jobs: 'cancel' }), cluster: 'flights-drill' };
    await world.store.acceptTermination(termination);
    await recover(world, '');
    const started = world.workflows.started.filter(({ kind }) => kind === 'terminate-cluster');
    expect(new Set(started.map(({ operationId }) => operationId))).toEqual(new Set([termination.operationId]));
    expect(await copy()).toMatchObject({ status: 'TERMINATED' });
  });

  test('keeps nothing of the cluster waiting that can wait for other operations', async () => {
    await world.acceptCopyDrill(WISH);
    expect(await inTheWayOf(world, await world.cluster())).toBeUndefined();
  });

  test('gives way to a termination of the copy, which finds nothing left', async () => {
    const operation = await world.acceptCopyDrill(WISH);
    const termination = { ...world.operation({ kind: 'terminate-cluster', jobs: 'cancel' }), cluster: 'flights-drill' };
    await world.store.acceptTermination(termination);
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'CANCELED' });
    await run(termination);
    expect(await ended(termination)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await violations(world)).toEqual([]);
  });

  test('is cleaned up after wherever its execution is stopped, and nothing of it stays', async () => {
    const whole = await world.acceptCopyDrill(WISH);
    let tasks = 0;
    world.onCall = (port, method) => {
      if (port === 'store' && method === 'recordPhase') tasks += 1;
    };
    await run(whole);
    world.onCall = () => undefined;
    expect(tasks).toBeGreaterThan(20);
    for (let stop = 0; stop < tasks / 2; stop++) {
      const before = await untouched();
      const operation = await world.acceptCopyDrill(WISH);
      await run(operation, stop);
      await recover(world, operation.operationId);
      expect([stop, (await ended(operation)).status]).toEqual([stop, expect.stringMatching(/SUCCEEDED|FAILED/)]);
      expect([stop, await violations(world)]).toEqual([stop, []]);
      expect(await untouched()).toEqual(before);
    }
  });
});

describe('what is refused', () => {
  test.each([
    ['a job that is not there', { jobs: { other: { arguments: [] } } }, 'jobs.other', 'no job other runs'],
    ['a script for a jar', { jobs: { delays: { script: SQL } } }, 'jobs.delays.script', 'delays is a program in a jar: it has arguments'],
    ['nothing that could be rehearsed', {}, 'jobs', 'say how one of delays is run so that it writes nowhere'],
    [
      'a zone that the stage has not',
      { zone: 'us-east-1x', jobs: { delays: { arguments: [] } } },
      'zone',
      'the stage has no zone us-east-1x',
    ],
    [
      'more arguments than are kept',
      { jobs: { delays: { arguments: Array.from({ length: 8 }, () => 'x'.repeat(10_000)) } } },
      'jobs',
      'at most 64000 are kept',
    ],
  ])('%s', async (_, wish, path, message) => {
    await expect(world.acceptCopyDrill(wish)).rejects.toMatchObject({
      name: 'InvalidRequest',
      problems: [{ path, message: expect.stringContaining(message) }],
    });
    expect(await world.store.cluster('flights-drill')).toBeUndefined();
  });

  test('a script for a SQL job that writes where it is not known, and arguments for one', async () => {
    await run(await world.acceptSubmission(world.sqlSpec(2, 'counts')));
    const refused = (jobs: NonNullable<Parameters<World['acceptCopyDrill']>[0]>['jobs']) => expect(world.acceptCopyDrill({ jobs })).rejects;
    await refused({ counts: { script: 'INSERT INTO t SELECT 1' } }).toMatchObject({
      problems: [{ path: 'jobs.counts.script', message: expect.stringContaining('line 1') }],
    });
    await refused({ counts: { arguments: [] } }).toMatchObject({
      problems: [{ path: 'jobs.counts.arguments', message: 'counts is a SQL job: it has a script' }],
    });
  });

  test('a second one while the copy is there, one whose copy could not be taken away, and one whose name is that of another cluster', async () => {
    const wish = { jobs: { delays: { arguments: [] } } };
    const first = await world.acceptCopyDrill(wish);
    await expect(world.acceptCopyDrill(wish)).rejects.toMatchObject({
      name: 'Conflict',
      operation: { operationId: first.operationId, cluster: 'flights' },
    });
    const there = await copy();
    world.store.seed({ clusters: [{ ...there, status: 'FAILED' }] });
    await expect(world.acceptCopyDrill(wish)).rejects.toMatchObject({
      message: expect.stringContaining('terminate flights-drill before the next drill'),
    });
    const { copyOf: _, ...own } = there;
    world.store.seed({ clusters: [{ ...own, status: 'TERMINATED' }] });
    await expect(world.acceptCopyDrill(wish)).rejects.toMatchObject({
      message: expect.stringContaining('is the name of a cluster with state of its own'),
    });
  });

  test('a script that sets what no job may set', async () => {
    const spec = world.sqlSpec(2, 'counts');
    await run(await world.acceptSubmission({ ...spec, program: world.scriptOf('counts', SQL) }));
    const script = `SET 'execution.state-recovery.claim-mode' = 'CLAIM'; ${SQL}`;
    await expect(world.acceptCopyDrill({ jobs: { counts: { script } } })).rejects.toMatchObject({
      problems: [{ path: 'jobs.counts.script', message: expect.stringContaining('execution.state-recovery.claim-mode') }],
    });
  });

  test('a copy for which the quota of the stage has no room', async () => {
    const drillWithin = (maxVcpus: number) => world.acceptCopyDrill(WISH, { ...STAGE, limits: { ...STAGE.limits, maxVcpus } });
    await expect(drillWithin(7)).rejects.toMatchObject({
      message: "A copy needs 4 vCPUs, and 3 of the stage's 7 are free (limits.maxVcpus)",
    });
    await run(await drillWithin(8));
    expect(await copy()).toMatchObject({ status: 'TERMINATED' });
  });

  test('no name of a copy is that of another, nor of the cluster itself', () => {
    const long = 'a'.repeat(34);
    const names = [`${long}bcdefg`, `${long}bcdefh`, `${long}-drill`, 'flights', 'flights-drill'];
    const copies = names.map(copyNameOf);
    expect(new Set([...names.slice(0, 4), ...copies]).size).toBe(9);
    for (const name of copies) expect(name).toMatch(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/);
  });

  test('one more cluster than the stage may have', async () => {
    const cluster = await world.cluster();
    const others = Array.from({ length: STAGE.limits.maxClusters - 1 }, (_, index) => ({ ...cluster, name: `other-${index}` }));
    world.store.seed({ clusters: others });
    await expect(world.acceptCopyDrill({ jobs: { delays: { arguments: [] } } })).rejects.toMatchObject({
      message: expect.stringContaining('its limit is 10'),
    });
  });
});
