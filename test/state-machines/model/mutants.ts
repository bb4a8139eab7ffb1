import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { Job } from '../../../lambdas/contracts/job';
import type { FenceAnswer } from '../../../lambdas/contracts/workflow';
import type { RunRequest } from '../../../lambdas/gateways/flink/flink.port';
import type { Mutant } from './explore';
import type { Simulation } from './simulation';

// biome-ignore lint/suspicious/noExplicitAny: the arguments of whichever port it is
type Change = (call: () => Promise<unknown>, args: readonly any[], world: Simulation) => Promise<unknown>;

/** The product with one call of a port done otherwise. */
const instead =
  (changes: Readonly<Record<string, Change>>): Mutant =>
  (world) => {
    world.mutate = (port, method, call, args) => changes[`${port}.${method}`]?.(call, args, world) ?? call();
  };
/** The fence is given no more time than this. Seconds. */
export const fenceSettles = (world: Simulation, most: number): void => {
  world.amend = (placeholder, answer) => {
    if (placeholder !== 'FenceFormer') return answer;
    const { settleSeconds, reason } = answer as FenceAnswer;
    return { settleSeconds: Math.min(settleSeconds, most), reason };
  };
};
const nothing: Change = async () => undefined;
const unfenced: Change = async () => ({});
const isFence = (key: unknown): boolean => String(key).endsWith('/recovery/fenced');
const withoutFence: Change = async (call, [, key]) => (isFence(key) ? '' : call());

/** Each takes one protection away. What the model checks is worth something if it finds every one of them. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'former hosts are not fenced': instead({ 'fleet.fence': unfenced, 'artifacts.putText': withoutFence }),
  'the fence in S3 is left to IAM, which takes seconds': instead({ 'artifacts.putText': withoutFence }),
  'state is chosen as soon as the fence is put': (world) => fenceSettles(world, 0),
  'a savepoint that a job is to stop with is complete though the fence is there, which IAM does not make up for': (world) => {
    world.savepointsUnfenced = true;
    world.fleet.iamTakesNothing = true;
  },
  'a stop with a savepoint of a JobManager that looks for no fence is given no more time than a checkpoint': (world) => {
    world.savepointsUnfenced = true;
    fenceSettles(world, 1);
  },
  'a start that may come late is not waited for': (world) => {
    const impatient = <T extends Pick<Job, 'startAsked'>>(job: T): T =>
      job.startAsked ? { ...job, startAsked: { ...job.startAsked, at: '2026-01-01T00:00:00.000Z' } } : job;
    instead({
      'store.job': async (call) => {
        const job = (await call()) as Job | undefined;
        return job && impatient(job);
      },
      'store.jobs': async (call) => {
        const page = (await call()) as { readonly items: readonly Job[] };
        return { ...page, items: page.items.map(impatient) };
      },
    })(world);
  },
  'the newest checkpoint in S3 is not looked for': instead({
    'artifacts.directories': async (call) => {
      const names = (await call()) as readonly string[];
      const numbers = names.flatMap((name) => /^chk-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
      return numbers.length < 2 ? names : names.filter((name) => name !== `chk-${Math.max(...numbers)}`);
    },
  }),
  'a savepoint that a job went on from is taken for one that it ended with': instead({
    'flink.triggerSavepoint': async (call, args) => {
      (args as unknown[])[2] = String(args[2]).replace('/taken', '');
      return call();
    },
  }),
  'a checkpoint that was written and never entered is gone on from': instead({
    'artifacts.list': async (call, [, prefix]) => (String(prefix).includes('/recovery/checkpoints/') ? [] : call()),
  }),
  'a failover breaks no lease of a job': instead({
    'store.acceptTakeover': async (_, [operation, cluster, previous], world) =>
      world.store.acceptTakeover(operation, cluster, previous, []),
  }),
  'nobody looks whose lease it is, nor whether its operation was broken off': (world) => {
    const mine = <T extends { readonly lease?: unknown }>(item: T | undefined): T | undefined =>
      item && world.asker !== undefined ? { ...item, lease: { operationId: world.asker, acquiredAt: '', until: '' } } : item;
    instead({
      'store.cluster': async (call) => mine((await call()) as Cluster | undefined),
      'store.job': async (call) => mine((await call()) as Job | undefined),
      'store.updateJob': async (call, [cluster, name, , change]) => {
        const holder = (await world.store.job(cluster, name))?.lease?.operationId;
        return holder === undefined ? call() : world.store.updateJob(cluster, name, holder, change);
      },
      'store.endOperation': async (call, [operationId]) => (world.asker === undefined || operationId === world.asker ? call() : true),
      'store.updateCluster': async (call, [name, , change]) => {
        const holder = (await world.store.cluster(name))?.lease?.operationId;
        return holder === undefined ? call() : world.store.updateCluster(name, holder, change);
      },
    })(world);
  },
  'every try of a start has a Flink job id of its own': (world) => {
    let tries = 0;
    instead({
      'flink.runJar': async (_, [request], { flink }) => {
        const { flinkJobId } = request as RunRequest;
        tries += 1;
        return flink.runJar({ ...(request as RunRequest), flinkJobId: `${String(tries).padStart(4, '0')}${flinkJobId.slice(4)}` });
      },
    })(world);
  },
  'a start does not say what it is restored from': instead({
    'flink.runJar': async (_, [request], { flink }) => {
      const { savepoint: _savepoint, ...rest } = request as RunRequest;
      return flink.runJar(rest);
    },
  }),
  'what a move takes over stays the reserve': instead({
    'store.acceptTakeover': async (_, [operation, cluster, previous, jobs, free], world) =>
      world.store.acceptTakeover(operation, { ...cluster, reserve: previous.reserve }, previous, jobs, free),
  }),
  'a reserve that a move has no use for is forgotten': instead({
    'store.acceptTakeover': async (_, [operation, cluster, previous, jobs, free], world) => {
      const former = cluster.former?.filter((one: { readonly unused?: boolean }) => !one.unused);
      return world.store.acceptTakeover(operation, { ...cluster, former }, previous, jobs, free);
    },
  }),
  'a termination does not know of the reserve': instead({
    'store.cluster': async (call, _, world) => {
      const cluster = (await call()) as Cluster | undefined;
      if (cluster?.desired !== 'TERMINATED' || world.asker === undefined) return cluster;
      const { reserve: _reserve, ...rest } = cluster;
      return rest;
    },
  }),
  'a termination does not know of the role that was made ahead': instead({
    'store.cluster': async (call, _, world) => {
      const cluster = (await call()) as Cluster | undefined;
      if (cluster?.desired !== 'TERMINATED' || world.asker === undefined) return cluster;
      const { nextRole: _nextRole, ...rest } = cluster;
      return rest;
    },
  }),
  'a JobManager that takes over gives its predecessor no time': (world) => {
    world.termWaits = 0;
  },
  'a move that has failed is not tried again': instead({
    'store.acceptTakeover': async (call, [operation]) => (operation.request.again === undefined ? call() : { outcome: 'blocked' }),
  }),
  'what a move has broken off before it gives the cluster back is left so': instead({
    'store.updateJob': async (_, [cluster, name, operationId, change, epoch], world) =>
      world.store.updateJob(cluster, name, operationId, { ...change, brokenOff: undefined }, epoch),
  }),
  'nobody sweeps': (world) => {
    world.sweeps = false;
  },
  'groups of former epochs are left': instead({
    'fleet.deleteGroups': nothing,
    'fleet.fence': unfenced,
    'fleet.groupsGone': async () => ({ gone: true }),
  }),
  'roles and interfaces of former epochs are left': instead({ 'fleet.deleteAccess': nothing }),
};
