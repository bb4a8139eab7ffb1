import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Operation } from '../../../lambdas/contracts/operation';
import type { Clock } from '../../../lambdas/domain/clock';
import { VERTEX } from '../../fakes/fake-flink';
import { clusterReading, FakeFlinkMetrics, jobReading, vertexReading } from '../../fakes/fake-flink-metrics';
import { definitionOf, type Execution, execute, Stopped } from './interpreter';
import { STAGE, type World } from './world';

let world: World;
/** The world that the functions see from now on. */
export const enter = (next: World): World => {
  world = next;
  return next;
};

/** A port of whatever world is entered when it is called: functions take their ports once, when they are loaded. */
const late = <T extends object>(name: string, pick: (world: World) => T): T =>
  new Proxy({} as T, { get: (_, key) => Reflect.get(world.port(name, pick(world)), key) as unknown });

/** Stands in for `lambdas/composition`: the fakes instead of the adapters. */
export const composition = {
  clock: (() => world.clock()) as Clock,
  stage: () => STAGE,
  store: () => late('store', (current) => current.store),
  artifacts: () => late('artifacts', (current) => current.artifacts),
  alarms: () => late('alarms', (current) => current.alarms),
  kafkaMetrics: () => late('kafkaMetrics', (current) => current.kafkaMetrics),
  workflows: () => late('workflows', (current) => current.workflows),
  observations: () => late('observations', (current) => current.observations),
  observationTable: () => late('observations', (current) => current.observations),
  metrics: () => ({ publish: () => undefined }),
  flinkMetrics: () => (addresses: readonly string[]) => {
    const { reachable, taskManagers, inside } = world.jobManagerAt(addresses[0] as string);
    const jobs = inside.map(({ flinkJobId, state, running }) => {
      const vertices = running > 0 ? [vertexReading(VERTEX, { parallelism: running })] : [];
      return [flinkJobId, jobReading(vertices, { state })] as const;
    });
    const figures = Object.assign(new FakeFlinkMetrics(), { reachable, seen: clusterReading({ taskManagers }), jobs: new Map(jobs) });
    return world.port('flinkMetrics', figures);
  },
  fleet: () => late('fleet', (current) => current.fleet),
  volumes: () => late('volumes', (current) => current.volumes),
  fleetEnd: () => late('fleet', (current) => current.fleet),
  fleetObserver: () => late('fleet', (current) => current.fleet),
  flink: () => (addresses: readonly string[]) => world.port('flink', world.flinkAt(addresses)),
};

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
const directory = path.join(__dirname, '../../../lambdas/handlers/workflow');
const CONTEXT = { getRemainingTimeInMillis: () => 30_000 };
const placeholderOf = (file: string): string =>
  file
    .replace('.handler.ts', '')
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
const handlers = new Map<string, Handler>();
for (const file of readdirSync(directory))
  handlers.set(placeholderOf(file), (require(path.join(directory, file)) as { handler: Handler }).handler);
const considerFailover = '../../../lambdas/handlers/events/consider-failover.handler';
handlers.set('ConsiderFailover', (require(considerFailover) as { handler: Handler }).handler);

/** A minute of observation of one cluster, with the real definition and the real functions. @returns how many passes it made */
export const observeMinute = async (cluster: string): Promise<number> => {
  const group = definitionOf('observe-clusters').States['Observe each group']?.ItemProcessor;
  const machine = group?.States['Observe each cluster']?.ItemProcessor;
  const listed = (await handlers.get('ListObservedClusters')?.({}, CONTEXT)) as {
    readonly groups: readonly { readonly clusters: readonly { readonly cluster: string; readonly passes: number }[] }[];
  };
  const item = listed.groups.flatMap(({ clusters }) => clusters).find((one) => one.cluster === cluster);
  const began = world.now;
  let passes = 0;
  if (machine && item) {
    const execution = await execute(machine, item, {
      invoke: (placeholder, payload) => {
        if (placeholder === 'ObserveFlink') passes += 1;
        const handler = handlers.get(placeholder);
        if (!handler) throw new Error(`there is no function ${placeholder}`);
        return handler(structuredClone(payload), CONTEXT);
      },
      pause: (seconds) => world.pause(seconds),
    });
    if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.error}: ${execution.cause}`);
  }
  await world.pause(Math.max(0, 60 - (world.now - began) / 1_000));
  return passes;
};

/** Calls the function behind a definition's placeholder, such as `StartJob`. Without a context nothing runs on the machine's clock. */
export const invoke = (placeholder: string, payload: unknown, context: unknown = {}): Promise<unknown> => {
  const handler = handlers.get(placeholder);
  if (!handler) throw new Error(`there is no function ${placeholder}`);
  return handler(structuredClone(payload), context);
};

/** Calls a function that an event or a schedule starts, by its name. */
export const event = (name: string, payload: unknown): Promise<unknown> =>
  (require(`../../../lambdas/handlers/events/${name}.handler`) as { handler: Handler }).handler(payload, {});

/**
 * Runs an operation's workflow to its end, with the real definition and the real functions.
 * @param stopAfter number of tasks after which somebody stops the execution
 */
export const run = async (operation: Operation, stopAfter = Number.POSITIVE_INFINITY): Promise<Execution> => {
  let tasks = 0;
  const execution = await execute(
    definitionOf(operation.kind),
    { operationId: operation.operationId },
    {
      invoke: (placeholder, payload) => {
        if (tasks++ >= stopAfter) throw new Stopped('the execution was stopped');
        return invoke(placeholder, payload, CONTEXT);
      },
      pause: (seconds) => world.pause(seconds),
    },
  );
  world.workflows.end(operation.kind, operation.operationId);
  return execution;
};
