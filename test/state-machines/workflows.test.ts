import { AwsUnavailable, FlinkUnavailable } from '../../lambdas/contracts/errors';
import type { Job } from '../../lambdas/contracts/job';
import type { Operation, OperationRequest } from '../../lambdas/contracts/operation';
import { sweepAlarms } from '../../lambdas/usecases/scaling/sweep-alarms';
import { putState } from '../fakes/checkpoint-metadata';
import { enter, invoke, run } from './support/functions';
import { definitionOf, execute } from './support/interpreter';
import { recover, violations } from './support/recover';
import { STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
});

const ended = async (operation: Operation): Promise<Operation> => (await world.store.operation(operation.operationId)) as Operation;
const launch = async (): Promise<Operation> => {
  const operation = await world.acceptLaunch();
  await run(operation);
  return ended(operation);
};
const submit = async (spec = world.jarSpec(2)): Promise<Operation> => {
  const operation = await world.acceptSubmission(spec);
  await run(operation);
  return ended(operation);
};
const change = async (request: OperationRequest): Promise<Operation> => {
  const operation = await world.acceptChange(request);
  await run(operation);
  return ended(operation);
};
const terminate = async (jobs: 'savepoint' | 'cancel' = 'savepoint'): Promise<Operation> => {
  const operation = await world.acceptTermination(jobs);
  await run(operation);
  return ended(operation);
};
const flinkState = async (flinkJobId: string): Promise<string | undefined> => (await world.flink.job(flinkJobId))?.state;
const wantedHosts = async (): Promise<number> => (await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager;
const stop: OperationRequest = { kind: 'stop-job', mode: 'savepoint', drain: false };
const cancel: OperationRequest = { kind: 'stop-job', mode: 'cancel', drain: false };

describe('launch-cluster', () => {
  test('a cluster runs once its JobManager answers and its slots are registered', async () => {
    expect(await launch()).toMatchObject({ status: 'SUCCEEDED', reason: 'Cluster flights is running.' });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', lease: undefined });
  });

  test('each state of the workflow becomes a phase with its times and a reason', async () => {
    const { phases } = await launch();
    expect(phases.map(({ name }) => name)).toEqual([
      'Begin launch',
      'Prepare access',
      'Write configuration',
      'Create fleet',
      'Prepare next role',
      'Look for slots',
      'Look at the hosts',
      'End operation',
    ]);
    expect(phases.every(({ outcome, endedAt, reason }) => outcome === 'ok' && endedAt !== undefined && reason !== '')).toBe(true);
  });

  test('the first look at Flink after weeks without any waits until Lambda has made its way into the VPC again', async () => {
    const { operationId } = await world.acceptLaunch();
    const said = ['ResourceNotReadyException', ...Array.from({ length: 8 }, () => 'ResourceConflictException')];
    const execution = await execute(
      definitionOf('launch-cluster'),
      { operationId },
      {
        invoke: (placeholder, payload) => {
          const error = placeholder === 'ObserveCluster' ? said.shift() : undefined;
          return error === undefined
            ? invoke(placeholder, payload)
            : Promise.reject(Object.assign(new Error('Pending'), { name: `Lambda.${error}` }));
        },
        pause: (seconds) => world.pause(seconds),
      },
    );
    expect([execution.status, said]).toEqual(['SUCCEEDED', []]);
  });

  test('without capacity all is taken away again, and the cause is what EC2 says', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const operation = await launch();
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(operation.reason).toMatch(/We currently do not have sufficient capacity/);
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await world.cluster()).toMatchObject({ status: 'TERMINATED' });
  });

  test('makes the role of the epoch that a move would begin, which goes with the cluster', async () => {
    await launch();
    expect(await world.cluster()).toMatchObject({ epoch: 1, nextRole: { epoch: 2, roleName: expect.stringContaining('-e2') } });
    await terminate();
    expect(world.fleet.leftovers()).toEqual([]);
    const { nextRole, epoch } = await world.cluster();
    // A name that is used again begins above it.
    expect([nextRole, epoch]).toEqual([undefined, 2]);
  });

  test('does without the role that a move would begin with, and says so; what was made of it goes with the cluster', async () => {
    world.faults = ({ method }) => (method === 'makeRole' ? { error: new AwsUnavailable('IAM is ill'), when: 'after' } : undefined);
    expect(await launch()).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('The role of its next epoch could not be made (AwsUnavailable)'),
    });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', nextRole: { epoch: 2 } });
    world.faults = () => undefined;
    await terminate();
    expect(world.fleet.leftovers()).toEqual([]);
  });

  test('where EC2 does not know the new instance profile at first its hosts are asked for again, and all are there', async () => {
    world.fleet.launchesWithoutProfile = 4;
    const operation = await launch();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    const again = world.fleet.calls.filter(({ method }) => method === 'launchAgain');
    expect(again.length).toBeGreaterThanOrEqual(4);
    expect((await world.cluster()).status).toBe('RUNNING');
  });

  test('where EC2 lacks the type of the JobManager it is launched as another of its types', async () => {
    for (const type of ['c5.large', 'c6i.large']) world.fleet.typesWithoutCapacity.add(`us-east-1a ${type}`);
    const calls: string[] = [];
    world.onCall = (_, method) => void calls.push(method);
    expect(await launch()).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls.filter((method) => method === 'launchAs')).toHaveLength(2);
  });

  test('where EC2 lacks every type of the JobManager all is taken away again', async () => {
    for (const type of ['c5.large', 'c6i.large', 'm5.large']) world.fleet.typesWithoutCapacity.add(`us-east-1a ${type}`);
    const operation = await launch();
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(operation.reason).toContain('do not have sufficient m5.large capacity');
    expect(world.fleet.leftovers()).toEqual([]);
  });

  test('a JobManager that never answers ends the launch at its deadline with nothing left', async () => {
    world.jobManagerStarts = false;
    const operation = await launch();
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(operation.reason).toMatch(/600 s.*JobManager does not answer/);
    expect(world.fleet.leftovers()).toEqual([]);
  });

  test('a launch under way gives way to a termination, which takes away what it made', async () => {
    const launching = await world.acceptLaunch();
    let terminating: Operation | undefined;
    world.onCall = (_, method) => {
      if (method === 'createGroups') void world.acceptTermination('savepoint').then((operation) => (terminating = operation));
    };
    await run(launching);
    expect(await ended(launching)).toMatchObject({ status: 'CANCELED' });
    await run(terminating as Operation);
    expect(await ended(terminating as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await world.cluster()).toMatchObject({ status: 'TERMINATED' });
  });
});

describe('submit-job', () => {
  beforeEach(launch);

  test('a jar runs with all its tasks, on hosts that were added for it', async () => {
    expect(await submit(world.jarSpec(6))).toMatchObject({ status: 'SUCCEEDED', result: { parallelism: 6 } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', lease: undefined });
    expect(world.flink.taskManagers).toBe(3);
  });

  test('a SQL script is handed to Flink as it was submitted', async () => {
    expect(await submit(world.sqlSpec(2))).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.flink.started((await world.job()).flinkJobId)).toMatchObject({ script: 'INSERT INTO sink SELECT * FROM source;' });
  });

  test('a job that finishes at once has succeeded', async () => {
    world.flink.behaviour = () => ({ does: 'finish' });
    expect(await submit()).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays has run and finished.' });
    expect(await world.job()).toMatchObject({ status: 'FINISHED' });
  });

  test('a program that Flink rejects fails with its own error, and nothing of it is left', async () => {
    world.flink.behaviour = () => ({ does: 'reject', reason: 'SQL parse failed. Encountered "SELEC" at line 3, column 1' });
    const operation = await submit();
    expect(operation).toMatchObject({
      status: 'FAILED',
      error: { name: 'JobRejected' },
      reason: expect.stringContaining('line 3, column 1'),
    });
    expect(world.flink.jarIds).toEqual([]);
    expect(await world.job()).toMatchObject({ status: 'FAILED', lease: undefined });
  });

  test('a job that fails before it is up fails the submission with the root cause', async () => {
    world.flink.behaviour = () => ({ does: 'fail', reason: 'IllegalStateException: no topic' });
    expect(await submit()).toMatchObject({ status: 'FAILED', error: { name: 'JobFailed' }, reason: 'IllegalStateException: no topic.' });
    expect(await world.job()).toMatchObject({ status: 'FAILED' });
  });

  test('a jar with another hash than submitted is not run and not kept', async () => {
    const spec = world.jarSpec(2);
    world.artifacts.put(spec.program.uri, 'something else');
    expect(await submit(spec)).toMatchObject({ status: 'FAILED', error: { name: 'ArtifactMismatch' } });
    expect(world.flink.jarIds).toEqual([]);
    expect(world.flink.starts).toEqual([]);
  });

  test('a jar that is not there is said so', async () => {
    const spec = world.jarSpec(2);
    world.artifacts.remove(spec.program.uri);
    expect(await submit(spec)).toMatchObject({ status: 'FAILED', error: { name: 'ArtifactMissing' } });
  });

  test('more slots than the largest fleet has are refused', async () => {
    expect(await submit(world.jarSpec(9))).toMatchObject({ status: 'FAILED', error: { name: 'InvalidRequest' } });
  });

  test('no host is made for jobs that have ended by themselves', async () => {
    await submit(world.jarSpec(6, 'jar', 'batch'));
    world.flink.breakJob((await world.job('batch')).flinkJobId, 'FINISHED');
    expect(await submit(world.jarSpec(4))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job('batch')).toMatchObject({ status: 'FINISHED', statusReason: 'The job has done all its work' });
    expect(await wantedHosts()).toBe(3);
  });

  test('that it cannot be seen whether other jobs have ended keeps no job from its start', async () => {
    await submit(world.jarSpec(2, 'jar', 'batch'));
    world.faults = ({ port, method }) => (port === 'flink' && method === 'jobs' ? { error: new Error('no'), when: 'before' } : undefined);
    expect(await submit()).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('hosts that were asked for in vain are given back', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const operation = await submit(world.jarSpec(4));
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    const seen = await world.fleet.observe((await world.cluster()).resources);
    expect(seen.wanted.taskmanager).toBe(1);
  });

  test('a cancellation during the submission ends it, and leaves nothing in Flink', async () => {
    const submission = await world.acceptSubmission(world.jarSpec(2));
    let cancellation: Operation | undefined;
    world.onCall = (_, method) => {
      if (method === 'runJar') void world.acceptChange(cancel).then((operation) => (cancellation = operation));
    };
    await run(submission);
    world.onCall = () => undefined;
    expect(await ended(submission)).toMatchObject({ status: 'CANCELED' });
    await run(cancellation as Operation);
    expect(await ended(cancellation as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await flinkState((await world.job()).flinkJobId)).toBe('CANCELED');
    expect(await world.job()).toMatchObject({ status: 'CANCELED', desired: 'STOPPED', lease: undefined });
  });

  test.each([
    ['was canceled meanwhile', true],
    ['was given up', false],
  ])('a start that shows long after its answer was lost does not survive a submission that %s', async (_, canceled) => {
    const submission = await world.acceptSubmission(world.sqlSpec(2));
    const { flinkJobId } = await world.job();
    let cancellation: Operation | undefined;
    world.faults = ({ method }) => (method === 'runSql' ? { error: new FlinkUnavailable('no answer'), when: 'before' } : undefined);
    world.onCall = (__, method) => {
      if (canceled && method === 'runSql' && !cancellation) void world.acceptChange(cancel).then((operation) => (cancellation = operation));
    };
    const pause = world.pause.bind(world);
    world.pause = async (seconds) => {
      await pause(seconds);
      const { startAsked } = await world.job();
      if (!startAsked || world.now - Date.parse(startAsked.at) < 60_000 || (await world.flink.job(flinkJobId))) return;
      const request = { flinkJobId, jobName: 'delays', parallelism: 2, allowNonRestoredState: false, flinkConfiguration: {} };
      await world.flink.runSql({ ...request, script: 'INSERT INTO a SELECT * FROM b' });
    };
    await run(submission);
    expect(await ended(submission)).toMatchObject({ status: canceled ? 'CANCELED' : 'FAILED' });
    expect(await flinkState(flinkJobId)).toBe('CANCELED');
    if (cancellation) await run(cancellation);
    expect(await world.job()).toMatchObject({ status: canceled ? 'CANCELED' : 'FAILED', lease: undefined });
  });

  test('a job that could not be withdrawn counts as running: it can be canceled, and not be submitted beside itself', async () => {
    const submission = await world.acceptSubmission(world.sqlSpec(2));
    const { flinkJobId } = await world.job();
    world.flink.behaviour = () => ({ does: 'run' });
    world.faults = ({ method }) => (method === 'cancel' ? { error: new FlinkUnavailable('no answer'), when: 'before' } : undefined);
    world.onCall = (__, method) => {
      if (method === 'runSql') void world.acceptChange(cancel);
    };
    await run(submission);
    world.faults = () => undefined;
    world.onCall = () => undefined;
    expect(await ended(submission)).toMatchObject({ status: 'CANCELED', reason: expect.stringContaining('could not be taken away') });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', statusReason: expect.stringMatching(/^It may still run in Flink/) });
    expect(await flinkState(flinkJobId)).toBe('RUNNING');
    const cancellation = await world.acceptChange(cancel);
    await run(cancellation);
    expect(await ended(cancellation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await flinkState(flinkJobId)).toBe('CANCELED');
    expect(await world.job()).toMatchObject({ status: 'CANCELED' });
  });

  test('the next start of a job goes on from its newest savepoint', async () => {
    await submit();
    await change(stop);
    const { latestSavepoint } = await world.job();
    await submit();
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 2, restoredFrom: latestSavepoint });
  });

  test('the next start of a canceled job goes on from the checkpoint it left', async () => {
    await submit();
    const left = world.flink.completeCheckpoint((await world.job()).flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    await change(cancel);
    await submit();
    expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: left });
  });
});

describe('stop-job', () => {
  beforeEach(async () => {
    await launch();
    await submit();
  });

  test('a job stops with a savepoint, which is listed and can be restored', async () => {
    const operation = await change(stop);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { savepoint: expect.stringMatching(/^s3:\/\/state\/.*savepoint-/) } });
    expect(await world.job()).toMatchObject({ status: 'STOPPED', desired: 'STOPPED', latestSavepoint: operation.result?.savepoint });
    expect((await world.store.snapshots('flights', 'delays', { limit: 5 })).items).toHaveLength(1);
  });

  test.each([
    ['stops', stop],
    ['is canceled', cancel],
  ])('hosts that a job no longer needs when it %s are given back, down to the smallest fleet', async (_, request) => {
    await change({ kind: 'rescale-job', parallelism: 6 });
    expect(await change(request)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await wantedHosts()).toBe(1);
  });

  test('hosts that other jobs need stay when a job stops', async () => {
    await submit(world.jarSpec(4, 'jar', 'other'));
    await change(stop);
    expect(await wantedHosts()).toBe(2);
  });

  test('a stop succeeds although idle hosts could not be given back', async () => {
    world.faults = ({ method }) => (method === 'listTaskManagers' ? { error: new Error('no'), when: 'before' } : undefined);
    expect(await change(stop)).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('Idle hosts could not be given back'),
    });
  });

  test('a savepoint that fails leaves the job running, and says why', async () => {
    world.flink.savepoints = 'fail';
    expect(await change(stop)).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('declined by a task') });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', desired: 'RUNNING', lease: undefined });
  });

  test('a savepoint that is complete is kept although the job failed while it stopped', async () => {
    world.flink.savepoints = 'stop-fails';
    expect(await change(stop)).toMatchObject({ status: 'FAILED', reason: expect.stringMatching(/complete and kept/) });
    expect(await world.job()).toMatchObject({ status: 'FAILED', latestSavepoint: expect.stringContaining('savepoint-') });
  });

  test('a request that Flink forgot is made again', async () => {
    const operation = await world.acceptChange(stop);
    let forgotten = false;
    world.onCall = (_, method) => {
      if (method === 'savepoint' && !forgotten) {
        forgotten = true;
        world.flink.forgetTriggers();
      }
    };
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
  });

  describe('a JobManager that is lost behind the end of a job, and has forgotten job and request,', () => {
    const lost = (then: () => void = () => undefined): Promise<Operation> => {
      world.onCall = (_, method) => {
        if (method !== 'savepoint' || !world.flink.inside.some(({ state }) => state === 'FINISHED')) return;
        world.flink.recover();
        expect(world.flink.inside).toEqual([]);
        then();
      };
      return change(stop);
    };

    test('has stopped it: the savepoint is found in S3', async () => {
      const { status, result } = await lost();
      expect(status).toBe('SUCCEEDED');
      expect(await world.job()).toMatchObject({ status: 'STOPPED', latestSavepoint: result?.savepoint });
    });

    test('has stopped it also where the savepoint is complete in the second in which the stop was asked for', async () => {
      world.now = Math.ceil(world.now / 1_000) * 1_000 + 400;
      const { requestedAt, status } = await lost();
      const [{ location = '' } = {}] = (await world.store.snapshots('flights', 'delays', { limit: 1 })).items;
      expect((await world.artifacts.modifiedAt(`${location}/_metadata`))?.slice(0, 19)).toBe(requestedAt.slice(0, 19));
      expect(status).toBe('SUCCEEDED');
    });

    test('has not where the job has completed a checkpoint behind the savepoint: it went on', async () => {
      const { flinkJobId } = await world.job();
      const operation = await lost(() => {
        const later = `s3://state/clusters/flights/jobs/delays/checkpoints/${flinkJobId}/chk-7`;
        putState(world.artifacts, later, { checkpointId: 7, files: [{ path: 'state', sizeBytes: 10 }] });
      });
      expect(operation).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('neither the request nor a running job') });
      expect((await world.job()).latestSavepoint).toBeUndefined();
    });

    test('has not where the savepoint was written before the stop was asked for', async () => {
      const operation = await lost(() => {
        for (const uri of world.artifacts.uris().filter((one) => /savepoint-.*\/_metadata$/.test(one)))
          putState(world.artifacts, uri.replace('/_metadata', ''), { checkpointId: 1, at: new Date(world.now - 60_000) });
      });
      expect(operation).toMatchObject({ status: 'FAILED' });
    });

    test('and was stopped for an upgrade goes on from that savepoint as the new version', async () => {
      const { flink } = world;
      let forgotten = false;
      world.onCall = (_, method) => {
        if (forgotten || method !== 'savepoint' || !flink.inside.some(({ state }) => state === 'FINISHED')) return;
        forgotten = true;
        flink.recover();
      };
      expect(await change({ kind: 'upgrade-job', spec: world.jarSpec(2, 'new') })).toMatchObject({ status: 'SUCCEEDED' });
      expect(forgotten).toBe(true);
      const { latestSavepoint, ...job } = await world.job();
      expect(job).toMatchObject({ status: 'RUNNING', epoch: 2, restoredFrom: latestSavepoint });
    });

    test('has not where a file of the savepoint is missing', async () => {
      const operation = await lost(() => {
        for (const uri of world.artifacts.uris()) if (/savepoint-.*\/state$/.test(uri)) world.artifacts.remove(uri);
      });
      expect(operation).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('neither the request nor a running job') });
    });
  });

  test('a cancellation overtakes a stop whose savepoint hangs', async () => {
    world.flink.savepoints = 'hang';
    const stopping = await world.acceptChange(stop);
    let cancellation: Operation | undefined;
    let looks = 0;
    world.onCall = (_, method) => {
      if (method === 'savepoint' && ++looks === 3) void world.acceptChange(cancel).then((operation) => (cancellation = operation));
    };
    await run(stopping);
    expect(await ended(stopping)).toMatchObject({ status: 'CANCELED' });
    await run(cancellation as Operation);
    expect(await ended(cancellation as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED' });
  });

  test('canceling a job that Flink has lost counts as canceled', async () => {
    world.flink.restart();
    expect(await change(cancel)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED' });
  });
});

describe('take-savepoint', () => {
  test('a savepoint is taken while the job runs on', async () => {
    await launch();
    await submit();
    const operation = await change({ kind: 'take-savepoint' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { savepoint: expect.stringContaining('savepoint-') } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING' });
  });

  test('the cause of a savepoint that failed is on the operation', async () => {
    await launch();
    await submit();
    world.flink.savepoints = 'fail';
    expect(await change({ kind: 'take-savepoint' })).toMatchObject({ status: 'FAILED', error: { name: 'SavepointFailed' } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', lease: undefined });
  });
});

describe('upgrade-job', () => {
  beforeEach(async () => {
    await launch();
    await submit();
  });
  const upgrade = (content = 'new', parallelism = 2): OperationRequest => ({
    kind: 'upgrade-job',
    spec: world.jarSpec(parallelism, content),
  });

  test('the new version goes on from the savepoint of the old one', async () => {
    const before = await world.job();
    expect(await change(upgrade('new', 4))).toMatchObject({ status: 'SUCCEEDED' });
    const after = await world.job();
    expect(after).toMatchObject({ status: 'RUNNING', revision: 2, epoch: 2, spec: { parallelism: 4 } });
    expect(after.restoredFrom).toBe(after.latestSavepoint);
    expect(after.flinkJobId).not.toBe(before.flinkJobId);
    expect(world.flink.jarIds).toEqual([after.jarId]);
  });

  test('a new version of less parallelism gives back the hosts that it does not need', async () => {
    await change(upgrade('larger', 6));
    expect(await wantedHosts()).toBe(3);
    expect(await change(upgrade('smaller', 2))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await wantedHosts()).toBe(1);
  });

  test('a new program that is not the submitted one costs no downtime', async () => {
    const request = upgrade();
    world.artifacts.put('s3://artifacts/new.jar', 'tampered');
    expect(await change(request)).toMatchObject({ status: 'FAILED', error: { name: 'ArtifactMismatch' } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', revision: 1, epoch: 1 });
    expect(world.flink.starts).toHaveLength(1);
  });

  test.each([
    ['is rejected', { does: 'reject', reason: 'NoSuchClass: org.example.New' }],
    ['fails at once', { does: 'fail', reason: 'IllegalStateException: cannot restore' }],
  ] as const)('when the new version %s, the previous one runs again from the same savepoint', async (_, behaviour) => {
    const previous = (await world.job()).jarId;
    world.flink.behaviour = ({ jarId }) => (jarId === previous ? { does: 'run' } : behaviour);
    const operation = await change(upgrade());
    expect(operation).toMatchObject({ status: 'FAILED', reason: expect.stringContaining(behaviour.reason) });
    expect(operation.reason).toMatch(/The previous version runs again\.$/);
    const job = await world.job();
    expect(job).toMatchObject({ status: 'RUNNING', desired: 'RUNNING', epoch: 3, spec: world.jarSpec(2), lease: undefined });
    expect(job.restoredFrom).toBe(job.latestSavepoint);
    expect(await flinkState(job.flinkJobId)).toBe('RUNNING');
  });

  test('a savepoint that fails leaves the previous version running', async () => {
    world.flink.savepoints = 'fail';
    const operation = await change(upgrade());
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'SavepointFailed' } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 1, revision: 1 });
    expect(world.flink.starts).toHaveLength(1);
  });

  /** Stops the upgrade after this many tasks, and lets the sweeper and what it starts put things right. */
  const interrupted = async (tasks: number): Promise<{ readonly stopped: boolean; readonly operation: Operation }> => {
    world = enter(new World());
    await launch();
    await submit();
    const operation = await world.acceptChange(upgrade('new', 4));
    const { cause } = await run(operation, tasks);
    await recover(world, operation.operationId);
    return { stopped: cause?.includes('the execution was stopped') ?? false, operation: await ended(operation) };
  };

  test('after whichever task an upgrade is interrupted, the job runs again, once, with all that it had', async () => {
    let tasks = 0;
    for (; ; tasks++) {
      const { stopped, operation } = await interrupted(tasks);
      if (!stopped) break;
      expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'WorkflowInterrupted' } });
      const job = await world.job();
      expect({ tasks, status: job.status, desired: job.desired }).toEqual({ tasks, status: 'RUNNING', desired: 'RUNNING' });
      expect(await flinkState(job.flinkJobId)).toBe('RUNNING');
      // The savepoint may have been completed without anybody left to record it: S3 has it all the same.
      if (job.epoch > 1) expect(job.restoredFrom).toBe(job.latestSavepoint ?? [...world.flink.storage].at(-1));
      if (job.epoch > 1) expect(job.restoredFrom).toMatch(/savepoint-/);
      expect(await violations(world)).toEqual([]);
    }
    expect(tasks).toBeGreaterThan(8);
  });

  test.each([
    ['from what that has completed', false],
    ['from the savepoint before it, where it was allowed to leave state behind', true],
  ] as const)('a new version that ran before its upgrade was interrupted is gone back from %s', async (_, allowNonRestoredState) => {
    const begunAfter = async (tasks: number): Promise<{ readonly operation: Operation; readonly begun: Job }> => {
      world = enter(new World());
      await launch();
      await submit();
      const spec = { ...world.jarSpec(2, 'new'), restore: { from: 'latest' as const, allowNonRestoredState } };
      const operation = await world.acceptChange({ kind: 'upgrade-job', spec });
      await run(operation, tasks);
      return { operation, begun: await world.job() };
    };
    let tasks = 7;
    let { operation, begun } = await begunAfter(tasks);
    while (tasks < 20 && !(begun.epoch === 2 && (await world.flink.job(begun.flinkJobId)))) {
      tasks += 1;
      ({ operation, begun } = await begunAfter(tasks));
    }
    expect(begun).toMatchObject({ epoch: 2, status: 'SUBMITTING' });
    const completed = world.flink.completeCheckpoint(begun.flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    await recover(world, operation.operationId);
    expect(await world.job()).toMatchObject({
      status: 'RUNNING',
      epoch: 3,
      restoredFrom: allowNonRestoredState ? begun.restoredFrom : completed,
      spec: { program: world.jarSpec(2).program, restore: { allowNonRestoredState: !allowNonRestoredState } },
    });
    expect(await violations(world)).toEqual([]);
  });

  test('what goes back after an interrupted upgrade is an operation that can be followed', async () => {
    const { operation } = await interrupted(8);
    const recovery = (await world.store.operationsOf('flights', { limit: 1 })).items[0] as Operation;
    expect(operation.reason).toContain(`${recovery.operationId} takes away or puts back`);
    expect(recovery).toMatchObject({
      status: 'SUCCEEDED',
      requestedBy: 'sluice',
      request: { recovers: { operationId: operation.operationId } },
    });
    expect(recovery.reason).toMatch(/^Job delays is RUNNING at revision \d\.$/);
    expect(await world.job()).toMatchObject({ spec: { parallelism: 2, program: world.jarSpec(2).program } });
  });

  test('a cancellation that comes before an interrupted upgrade is put back is what happens', async () => {
    const operation = await world.acceptChange(upgrade());
    await run(operation, 7);
    const cancellation = await world.acceptChange(cancel);
    await recover(world, operation.operationId);
    await run(cancellation);
    expect(await ended(cancellation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ desired: 'STOPPED', lease: undefined });
    expect((await world.flink.jobs()).filter(({ state }) => state === 'RUNNING')).toEqual([]);
  });

  test('when neither version starts the job is FAILED, and its savepoint is still there', async () => {
    world.flink.behaviour = () => ({ does: 'reject', reason: 'the JobManager is out of metaspace' });
    const operation = await change(upgrade());
    expect(operation).toMatchObject({ status: 'FAILED' });
    expect(operation.reason).toMatch(/could not be started again/);
    expect(await world.job()).toMatchObject({
      status: 'FAILED',
      statusReason: expect.stringMatching(/submitted again it goes on from s3:.*savepoint-/),
      latestSavepoint: expect.stringContaining('savepoint-'),
    });
  });
});

describe('rescale-job', () => {
  beforeEach(async () => {
    await launch();
    await submit();
  });

  test('out: hosts come first, then the parallelism', async () => {
    expect(await change({ kind: 'rescale-job', parallelism: 6 })).toMatchObject({ status: 'SUCCEEDED', result: { parallelism: 6 } });
    expect(world.flink.taskManagers).toBe(3);
    expect((await world.flink.job((await world.job()).flinkJobId))?.parallelism).toBe(6);
  });

  test('in: the parallelism comes first, then the idle hosts go', async () => {
    await change({ kind: 'rescale-job', parallelism: 6 });
    expect(await change({ kind: 'rescale-job', parallelism: 2 })).toMatchObject({ status: 'SUCCEEDED' });
    await world.pause(10);
    await world.pause(10);
    expect(world.flink.taskManagers).toBe(1);
    expect(await flinkState((await world.job()).flinkJobId)).toBe('RUNNING');
  });

  describe('in, where Flink leaves the tasks on several hosts', () => {
    beforeEach(async () => {
      await change({ kind: 'rescale-job', parallelism: 6 });
      world.flink.spread = 'even';
    });
    const phasesOf = (operation: Operation) => operation.phases.map(({ name }) => name);
    const marked = async () =>
      (await world.fleet.observe((await world.cluster()).resources)).hosts.filter(({ marks, state }) => marks && state !== 'leaving');

    test('hosts are emptied after a checkpoint, and given back when the job runs on the others', async () => {
      const { flinkJobId } = await world.job();
      const operation = await change({ kind: 'rescale-job', parallelism: 2 });
      expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays runs at parallelism 2.' });
      expect(phasesOf(operation)).toEqual(expect.arrayContaining(['Take a checkpoint', 'Empty hosts', 'Look at the emptied hosts']));
      expect((await world.flink.checkpoints(flinkJobId))?.completed).toBe(1);
      expect(await wantedHosts()).toBe(1);
      expect(await world.flink.job(flinkJobId)).toMatchObject({ state: 'RUNNING', parallelism: 2, tasks: { running: 2 } });
    });

    test('a checkpoint that fails is no reason to keep the hosts: the job goes on from the one before', async () => {
      world.flink.askedCheckpoints = 'fail';
      expect(await change({ kind: 'rescale-job', parallelism: 2 })).toMatchObject({ status: 'SUCCEEDED' });
      expect(await wantedHosts()).toBe(1);
    });

    test('without an end of the checkpoint no host is emptied, and the note says so', async () => {
      world.flink.askedCheckpoints = 'hang';
      const operation = await change({ kind: 'rescale-job', parallelism: 2 });
      expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining('Hosts could not be emptied') });
      expect(phasesOf(operation)).not.toContain('Empty hosts');
      expect(await wantedHosts()).toBe(2);
      expect(await marked()).toEqual([]);
    });

    test('a host whose node does not follow is taken back, and the job stays as it is', async () => {
      world.nodesSeeTags = false;
      const operation = await change({ kind: 'rescale-job', parallelism: 2 });
      expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining('Hosts could not be emptied') });
      expect(await marked()).toEqual([]);
      expect(await wantedHosts()).toBe(2);
      expect((await world.flink.job((await world.job()).flinkJobId))?.state).toBe('RUNNING');
    });

    test('after whichever task it is interrupted, no host stays marked and none is paid for in vain', async () => {
      for (let tasks = 0, stopped = true; stopped; tasks++) {
        world = enter(new World());
        await launch();
        await submit(world.jarSpec(6));
        world.flink.spread = 'even';
        const operation = await world.acceptChange({ kind: 'rescale-job', parallelism: 2 });
        stopped = (await run(operation, tasks)).cause?.includes('the execution was stopped') ?? false;
        await recover(world, operation.operationId);
        const { spec, flinkJobId } = await world.job();
        expect((await world.flink.job(flinkJobId))?.parallelism).toBe(spec.parallelism);
        expect([tasks, await wantedHosts()]).toEqual([tasks, spec.parallelism / 2]);
        expect(await marked()).toEqual([]);
      }
    });
  });

  test('after whichever task a rescale is interrupted, the job has the parallelism that is stored, and no host is idle', async () => {
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      world = enter(new World());
      await launch();
      await submit();
      const operation = await world.acceptChange({ kind: 'rescale-job', parallelism: 6 });
      stopped = (await run(operation, tasks)).cause?.includes('the execution was stopped') ?? false;
      await recover(world, operation.operationId);
      const { spec, flinkJobId, lease } = await world.job();
      expect(lease).toBeUndefined();
      expect((await world.flink.job(flinkJobId))?.parallelism).toBe(spec.parallelism);
      expect((await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager).toBe(spec.parallelism / 2);
    }
  });

  test('without capacity the job keeps its parallelism, and no wish for hosts stays behind', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    expect(await change({ kind: 'rescale-job', parallelism: 4 })).toMatchObject({
      status: 'FAILED',
      error: { name: 'InsufficientCapacity' },
    });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', spec: { parallelism: 2 }, lease: undefined });
    expect((await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager).toBe(1);
  });
});

test('a rescale that gives way to a cancellation leaves no wish for hosts behind', async () => {
  await launch();
  await submit();
  const rescaling = await world.acceptChange({ kind: 'rescale-job', parallelism: 6 });
  let cancellation: Promise<Operation> | undefined;
  world.onCall = (_, method) => {
    if (method === 'setParallelism') cancellation ??= world.acceptChange(cancel);
  };
  await run(rescaling);
  expect(await ended(rescaling)).toMatchObject({ status: 'CANCELED' });
  await cancellation;
  expect(await wantedHosts()).toBeLessThan(3);
});

describe('replace-host', () => {
  beforeEach(launch);
  const taskManagerHosts = async () =>
    (await world.fleet.observe((await world.cluster()).resources)).hosts.filter(
      ({ role, state }) => role === 'taskmanager' && state !== 'leaving',
    );
  const replace = async (instanceId: string, goneAt?: string): Promise<Operation> => {
    const operation = await world.acceptReplacement(instanceId, goneAt);
    await run(operation);
    return ended(operation);
  };
  const soon = (seconds: number) => new Date(world.now + seconds * 1_000).toISOString();
  const firstHost = async (): Promise<string> => (await taskManagerHosts())[0]?.instanceId ?? '';

  test('another host comes first, then a checkpoint, then the tasks move and the host goes', async () => {
    await submit();
    const { flinkJobId } = await world.job();
    const host = await firstHost();
    const operation = await replace(host);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: `Host ${host} has left cluster flights.` });
    expect(operation.phases.map(({ name }) => name)).toEqual([
      'Begin replacement',
      'Mark host',
      'Ask for a replacement',
      'Take a checkpoint',
      'Look for room',
      'Take a last checkpoint',
      'Empty host',
      'Look at the emptied host',
      'Look for idle hosts',
      'Give back idle hosts',
      'End operation',
    ]);
    expect((await world.flink.checkpoints(flinkJobId))?.completed).toBe(2);
    expect(await world.flink.job(flinkJobId)).toMatchObject({ state: 'RUNNING', parallelism: 2, tasks: { running: 2 } });
    expect((await taskManagerHosts()).map(({ instanceId }) => instanceId)).not.toContain(host);
    expect(await wantedHosts()).toBe(1);
  });

  test('with spare slots elsewhere nothing waits for the other host', async () => {
    await submit();
    await change({ kind: 'rescale-job', parallelism: 4 });
    await submit(world.jarSpec(2, 'jar', 'other'));
    await change({ kind: 'rescale-job', parallelism: 2 });
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const host = await firstHost();
    await world.fleet.setHosts((await world.cluster()).resources, 'us-east-1a', 2);
    expect((await replace(host, soon(120))).phases.find(({ name }) => name === 'Look for room')).toMatchObject({ outcome: 'ok' });
  });

  test('a host that goes in two minutes is emptied before, although there is no room', async () => {
    await submit();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const host = await firstHost();
    const goneAt = soon(120);
    world.onCall = (_, method) => {
      if (method === 'markHosts') expect(soon(0) <= goneAt).toBe(true);
    };
    const operation = await world.acceptReplacement(host, goneAt);
    const pause = world.pause.bind(world);
    world.pause = async (seconds) => {
      if (soon(0) > goneAt) world.fleet.loseHost(host);
      if (soon(0) > soon(200)) world.fleet.zonesWithoutCapacity.clear();
      await pause(seconds);
    };
    await run(operation);
    const emptied = (await ended(operation)).phases.find(({ name }) => name === 'Empty host');
    expect(emptied?.startedAt.localeCompare(goneAt)).toBe(-1);
  });

  test('a host that only may go stays when no other can be had, and no wish for one is left', async () => {
    await submit();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const host = await firstHost();
    expect(await replace(host)).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(await wantedHosts()).toBe(1);
    expect(await taskManagerHosts()).toEqual([expect.objectContaining({ instanceId: host })]);
    expect((await taskManagerHosts())[0]?.marks).toBeUndefined();
    expect(await flinkState((await world.job()).flinkJobId)).toBe('RUNNING');
  });

  test('a notice for a host that has gone changes nothing', async () => {
    expect(await replace('i-00000000000000000')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await wantedHosts()).toBe(1);
  });

  test('two hosts at once are both replaced', async () => {
    await submit(world.jarSpec(4));
    const hosts = (await taskManagerHosts()).map(({ instanceId }) => instanceId);
    const operations = await Promise.all(hosts.map((host) => world.acceptReplacement(host)));
    await Promise.all(operations.map((operation) => run(operation)));
    for (const operation of operations) expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
    const now = (await taskManagerHosts()).map(({ instanceId }) => instanceId);
    for (const host of hosts) expect(now).not.toContain(host);
    expect(await wantedHosts()).toBe(2);
  });

  test('it gives way to the termination of its cluster', async () => {
    await submit();
    const operation = await world.acceptReplacement(await firstHost());
    let terminating: Operation | undefined;
    world.onCall = (_, method) => {
      if (method === 'markHosts') void world.acceptTermination('cancel').then((accepted) => (terminating = accepted));
    };
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'CANCELED' });
    await run(terminating as Operation);
    expect(world.fleet.leftovers()).toEqual([]);
  });

  test('after whichever task it is interrupted, the host is replaced in the end and none is paid for in vain', async () => {
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      world = enter(new World());
      await launch();
      await submit();
      const host = await firstHost();
      const operation = await world.acceptReplacement(host);
      stopped = (await run(operation, tasks)).cause?.includes('the execution was stopped') ?? false;
      await recover(world, operation.operationId);
      expect([tasks, await wantedHosts(), (await taskManagerHosts()).some(({ marks }) => marks)]).toEqual([tasks, 1, false]);
      expect([tasks, (await taskManagerHosts()).map(({ instanceId }) => instanceId)]).not.toEqual([tasks, [host]]);
      expect((await world.flink.job((await world.job()).flinkJobId))?.parallelism).toBe(2);
    }
  });
});

describe('terminate-cluster', () => {
  beforeEach(async () => {
    await launch();
    await submit();
  });

  test('jobs end with a savepoint each, then nothing of the cluster is left', async () => {
    expect(await terminate()).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await world.cluster()).toMatchObject({ status: 'TERMINATED', lease: undefined });
    expect(await world.job()).toMatchObject({ status: 'STOPPED', desired: 'STOPPED', lease: undefined });
    expect((await world.store.snapshots('flights', 'delays', { limit: 5 })).items).toHaveLength(1);
  });

  test('a job whose JobManager is lost behind its end, and has forgotten job and request, has ended with its savepoint', async () => {
    world.onCall = (_, method) => {
      if (method === 'savepoint' && world.flink.inside.some(({ state }) => state === 'FINISHED')) world.flink.recover();
    };
    const { flink } = world;
    expect(await terminate()).toMatchObject({ status: 'SUCCEEDED' });
    expect(flink.inside).toEqual([]);
    expect(await world.job()).toMatchObject({ status: 'STOPPED', latestSavepoint: expect.stringContaining('savepoint-') });
    expect((await world.store.snapshots('flights', 'delays', { limit: 5 })).items).toHaveLength(1);
  });

  test('on request jobs are canceled instead', async () => {
    expect(await terminate('cancel')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED' });
  });

  test('a savepoint that hangs does not keep the cluster longer than the stage gives a savepoint', async () => {
    world.flink.savepoints = 'hang';
    const before = world.now;
    expect(await terminate()).toMatchObject({ status: 'SUCCEEDED' });
    expect((world.now - before) / 1_000).toBeLessThan(400);
    expect(await world.job()).toMatchObject({
      status: 'CANCELED',
      statusReason: expect.stringContaining('savepoint was not complete within 300 s'),
    });
  });

  test('a savepoint that fails does not keep the cluster', async () => {
    world.flink.savepoints = 'fail';
    expect(await terminate()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED', statusReason: expect.stringContaining('savepoint failed') });
  });

  test('a JobManager that does not answer does not keep the cluster', async () => {
    world.jobManagerStarts = false;
    world.flink.reachable = false;
    const operation = await terminate();
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining('FlinkUnavailable') });
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await world.job()).toMatchObject({ status: 'CANCELED', lease: undefined });
  });

  test('an operation on a job that is under way ends before', async () => {
    world.flink.savepoints = 'hang';
    const savepoint = await world.acceptChange({ kind: 'take-savepoint' });
    let termination: Operation | undefined;
    let looks = 0;
    world.onCall = (_, method) => {
      if (method === 'savepoint' && ++looks === 2) void world.acceptTermination('cancel').then((operation) => (termination = operation));
    };
    await run(savepoint);
    world.onCall = () => undefined;
    expect(await ended(savepoint)).toMatchObject({ status: 'CANCELED' });
    await run(termination as Operation);
    expect(await ended(termination as Operation)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('alarms', () => {
  const scaling = { enabled: true, priority: 0 };
  const alarmed = async (): Promise<readonly string[]> =>
    (await world.alarms.alarmsOf('flights')).map(({ job, kind }) => `${job} ${kind}`).sort();
  const ALL = ['backpressure', 'busy', 'idle', 'lag'].map((kind) => `delays ${kind}`);
  beforeEach(launch);

  test('are made when a job runs, and not for one that says nothing about its scale', async () => {
    await submit({ ...world.jarSpec(1), scaling });
    await submit(world.jarSpec(1, 'jar', 'plain'));
    expect(await alarmed()).toEqual(ALL);
  });

  test.each([
    ['stopped', stop],
    ['canceled', cancel],
  ])('are removed when the job is %s', async (_, request) => {
    await submit({ ...world.jarSpec(2), scaling });
    await change(request);
    expect(await alarmed()).toEqual([]);
  });

  test('of all jobs are removed with their cluster', async () => {
    await submit({ ...world.jarSpec(1), scaling });
    await submit({ ...world.jarSpec(1, 'jar', 'other'), scaling });
    expect(await alarmed()).toHaveLength(8);
    await terminate();
    expect(await alarmed()).toEqual([]);
  });

  test('are not made for a job that was withdrawn', async () => {
    world.flink.behaviour = () => ({ does: 'fail', reason: 'it is broken' });
    expect(await submit({ ...world.jarSpec(2), scaling })).toMatchObject({ status: 'FAILED' });
    expect(await alarmed()).toEqual([]);
  });

  test('follow the settings of a new version, and those of the previous one when that runs again', async () => {
    await submit({ ...world.jarSpec(2), scaling });
    const previous = (await world.job()).jarId;
    const spec = { ...world.jarSpec(2, 'new'), scaling: { ...scaling, uMin: 0, serviceLevels: { maxLagSeconds: 7 } } };
    world.flink.behaviour = ({ jarId }) => (jarId === previous ? { does: 'run' } : { does: 'fail', reason: 'it is broken' });
    expect(await change({ kind: 'upgrade-job', spec })).toMatchObject({ status: 'FAILED' });
    expect(await alarmed()).toEqual(ALL);
    world.flink.behaviour = () => ({ does: 'run' });
    await change({ kind: 'upgrade-job', spec });
    expect(await alarmed()).toEqual(ALL.filter((one) => !one.includes('idle')));
    expect(world.alarms.settings('flights', 'delays').find(({ kind }) => kind === 'lag')?.threshold).toBe(7);
  });

  test('follow the topics of MSK that a new version reads', async () => {
    const source = (...topics: string[]) => ({ msk: { clusterName: 'events', consumerGroup: 'delays', topics } });
    const topics = () => world.alarms.settings('flights', 'delays').flatMap(({ of }) => of?.topic ?? []);
    await submit({ ...world.jarSpec(2), scaling, source: source('flights', 'weather') });
    expect([topics(), await alarmed()]).toEqual([['flights', 'weather'], [...ALL, 'delays kafka-lag-1', 'delays kafka-lag-2'].sort()]);
    await change({ kind: 'upgrade-job', spec: { ...world.jarSpec(2, 'new'), scaling, source: source('weather') } });
    expect(topics()).toEqual(['weather']);
    await change({ kind: 'upgrade-job', spec: { ...world.jarSpec(2, 'newer'), scaling } });
    expect(await alarmed()).toEqual(ALL);
  });

  test('that cannot be made do not fail the job, which says so', async () => {
    world.faults = ({ port }) => (port === 'alarms' ? { error: new Error('AccessDenied'), when: 'before' } : undefined);
    const operation = await submit({ ...world.jarSpec(2), scaling });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining('Its alarms could not be made or changed (') });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', lease: undefined });
  });

  test('that CloudWatch has no rate for when a job starts are made by the next sweep', async () => {
    world.faults = ({ port, method }) =>
      port === 'alarms' && method === 'ensureAlarms'
        ? { error: new AwsUnavailable('PutMetricAlarmCommand: Throttling: Rate exceeded'), when: 'before' }
        : undefined;
    expect(await submit({ ...world.jarSpec(2), scaling })).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('(AwsUnavailable), which is tried again within five minutes'),
    });
    expect(await alarmed()).toEqual([]);
    world.faults = () => undefined;
    await sweepAlarms({ alarms: world.alarms, store: world.store, stage: STAGE, clock: world.clock });
    expect(await alarmed()).toEqual(ALL);
  });

  test('that cannot be removed do not keep a job from stopping, which says so', async () => {
    await submit({ ...world.jarSpec(2), scaling });
    world.faults = ({ port }) => (port === 'alarms' ? { error: new Error('AccessDenied'), when: 'before' } : undefined);
    expect(await change(stop)).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('Its alarms could not be removed ('),
    });
  });
});
