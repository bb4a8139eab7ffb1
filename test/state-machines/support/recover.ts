import type { Cluster } from '../../../lambdas/contracts/cluster';
import { fenceKey, recoveryPrefix } from '../../../lambdas/domain/state-paths';
import { settleFleets } from '../../../lambdas/usecases/clusters/settle-fleets';
import { sweepOperations } from '../../../lambdas/usecases/operations/sweep-operations';
import { observeMinute, run } from './functions';
import { STAGE, type World } from './world';

/** What the sweeper does at the end of an execution and in the following minutes, and the workflows that it starts. */
export const recover = async (world: World, ended: string): Promise<void> => {
  await sweep(world, ended);
  for (let minute = 0; minute < 3; minute++) {
    await world.pause(60);
    await sweep(world);
  }
};

const sweep = (world: World, only?: string): Promise<void> =>
  carryOut(world, () =>
    sweepOperations(
      {
        store: world.store,
        workflows: world.workflows,
        stage: STAGE,
        clock: world.clock,
        metrics: { publish: () => undefined },
        told: () => undefined,
      },
      only,
    ),
  );

/** A minute in which the cluster is observed, and the sweeper looks at operations and hosts. */
export const passMinute = async (world: World): Promise<void> => {
  const { clock, fleet, observations, store, workflows } = world;
  await observeMinute('flights');
  await sweep(world);
  await carryOut(world, async () => {
    for (const { operationId, reason } of await settleFleets({ clock, fleet, observations, store, workflows, stage: STAGE }))
      if (operationId === undefined) throw new Error(reason);
  });
};

/** Does something, and runs the workflows that it starts. */
const carryOut = async (world: World, act: () => Promise<unknown>): Promise<void> => {
  const before = world.workflows.started.length;
  await act();
  for (const { operationId } of world.workflows.started.slice(before)) {
    const operation = await world.store.operation(operationId);
    if (operation) await run(operation);
  }
};

/** A cluster that runs is not fenced, and of epochs that have ended nothing is kept that their JobManagers would recover jobs from. */
const recoveryAmiss = (world: World, { name, status, epoch, resources, former = [] }: Cluster): readonly string[] => {
  const owned = status === 'TERMINATED' ? [] : [resources.epoch ?? epoch, ...former.map((one) => one.epoch)];
  const kept = owned.map((one) => `s3://state/${recoveryPrefix(name, one)}/`);
  const uris = world.artifacts.uris().filter((uri) => uri.includes('/recovery/'));
  const left = uris.filter((uri) => !kept.some((prefix) => uri.startsWith(prefix)));
  const fenced = status === 'RUNNING' && uris.includes(`s3://state/${fenceKey(name, resources.epoch ?? epoch)}`);
  return [
    ...left.map((uri) => `${uri} is left of an epoch that has ended`),
    ...(fenced ? ['the JobManager of the cluster is fenced'] : []),
  ];
};

/** Programs in the JobManager's store that belong to no job's present version. */
export const forgottenPrograms = async (world: World): Promise<readonly string[]> => {
  const jobs = (await world.store.jobs('flights', { limit: 100 })).items;
  const wanted = new Set(jobs.map(({ jarId }) => jarId));
  return world.flink.jarIds.filter((jarId) => !wanted.has(jarId)).map((jarId) => `${jarId} belongs to no job`);
};

/** Everything that is not as it must be once all operations have ended; empty when all is well. */
export const violations = async (world: World): Promise<readonly string[]> => {
  const found: string[] = [];
  const open = await world.store.openOperations();
  found.push(...open.map(({ operationId, kind }) => `${kind} ${operationId} has not ended`));
  const cluster = await world.cluster();
  if (cluster.lease) found.push(`the cluster is held by ${cluster.lease.operationId}`);
  if (cluster.status === 'LAUNCHING' || cluster.status === 'TERMINATING') found.push(`the cluster stays ${cluster.status}`);
  const leftovers = world.fleet.leftovers();
  if (cluster.status === 'TERMINATED' && leftovers.length > 0) found.push(`${leftovers.join(', ')} left of a terminated cluster`);
  const copy = await world.store.cluster('flights-drill');
  if (copy && copy.status !== 'TERMINATED') found.push(`the copy stays ${copy.status}`);
  if (copy?.lease) found.push(`the copy is held by ${copy.lease.operationId}`);
  const ofCopy = [...leftovers, ...world.artifacts.uris()].filter((one) => one.includes('flights-drill'));
  if (ofCopy.length > 0) found.push(`${ofCopy.join(', ')} left of the copy`);
  const jobs = (await world.store.jobs('flights', { limit: 100 })).items;
  for (const job of [...jobs, ...(await world.store.jobs('flights-drill', { limit: 100 })).items]) {
    if (job.lease) found.push(`job ${job.name} is held by ${job.lease.operationId}`);
    if (job.status === 'SUBMITTING' || job.status === 'STOPPING') found.push(`job ${job.name} stays ${job.status}`);
  }
  if (cluster.status === 'FAILING_OVER') found.push('the cluster stays FAILING_OVER');
  if (cluster.status === 'RUNNING' && cluster.former) found.push(`epoch ${cluster.former.map(({ epoch }) => epoch).join()} is left behind`);
  found.push(...recoveryAmiss(world, cluster));
  const flink = world.jobManagers.get(cluster.resources.jobManagerAddress ?? '') ?? world.flink;
  const others = [...world.jobManagers.values()].filter((one) => one !== flink && one.reachable);
  for (const other of others)
    for (const { name, state } of await other.jobs())
      if (state === 'RUNNING') found.push(`job ${name} runs on hosts that are not the cluster's`);
  if (flink.reachable) {
    const inFlink = (await flink.jobs()).filter(({ state }) => !['FINISHED', 'FAILED', 'CANCELED'].includes(state));
    for (const { flinkJobId, state } of inFlink) {
      const owner = jobs.find((job) => job.flinkJobId === flinkJobId);
      if (owner?.status !== 'RUNNING') found.push(`Flink has ${flinkJobId} ${state}, the table says ${owner?.status ?? 'nothing'}`);
    }
    for (const job of jobs.filter(
      ({ status, statusReason }) => status === 'RUNNING' && !/^(Last seen|It may still run)/.test(statusReason),
    ))
      if (!inFlink.some(({ flinkJobId }) => flinkJobId === job.flinkJobId)) found.push(`job ${job.name} is RUNNING in the table only`);
  }
  const starts = [...world.jobManagers.values()].flatMap((one) => one.starts);
  if (new Set(starts).size < starts.length) found.push(`a job was started twice: ${starts.join(', ')}`);
  return found;
};
