import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import jsonata from 'jsonata';
import { observationInterval } from '../../lambdas/contracts/observer';
import { listObservedClusters } from '../../lambdas/usecases/scaling/list-observed-clusters';
import { FUNCTIONS, placeholderOf } from '../../lib/config/functions';
import { aCluster } from '../contract/support/samples';
import { createFakeStore } from '../fakes/fake-store';
import { definitionOf, execute } from './support/interpreter';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Retry?: readonly { readonly MaxAttempts: number; readonly JitterStrategy?: string }[];
  readonly TimeoutSeconds?: number;
  readonly Assign?: unknown;
  readonly Arguments?: { readonly FunctionName: string };
  readonly ItemProcessor?: Machine;
}
interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
}

const machine = JSON.parse(readFileSync('state-machines/observe-clusters/definition.asl.json', 'utf8')) as Machine;
const group = machine.States['Observe each group']?.ItemProcessor as Machine;
const passes = group.States['Observe each cluster']?.ItemProcessor as Machine;
const all = (within: Machine): [string, State][] =>
  Object.entries(within.States).flatMap(([name, state]): [string, State][] => [
    [name, state],
    ...(state.ItemProcessor ? all(state.ItemProcessor) : []),
  ]);
const tasks = all(machine).filter(([, { Type }]) => Type === 'Task');
/** Lambda's, Step Functions' and ours. */
const EXPRESS_LIMIT_SECONDS = 300;

describe('the machine that observes', () => {
  it.each(tasks)('waits for «%s» longer than its function may run, and not much longer', (_, state) => {
    const name = Object.keys(FUNCTIONS).find((each) => `\${${placeholderOf(each)}}` === state.Arguments?.FunctionName) ?? '';
    const timeout = FUNCTIONS[name]?.timeoutSeconds ?? Number.NaN;
    expect(state.TimeoutSeconds).toBeGreaterThan(timeout);
    expect(state.TimeoutSeconds).toBeLessThanOrEqual(timeout + 60);
  });

  it('tries nothing more than once again: the next pass is seconds away', () => {
    for (const [name, { Retry = [] }] of tasks)
      expect([name, Retry.map(({ MaxAttempts, JitterStrategy }) => [MaxAttempts, JitterStrategy])]).toEqual([name, [[1, 'FULL']]]);
  });

  it('lets a failure for one cluster, or for one job, end neither its other passes nor those of other clusters', () => {
    for (const [name, state] of all(passes).filter(([, { Type }]) => Type === 'Task'))
      expect([name, state.Catch?.map(({ ErrorEquals }) => ErrorEquals)]).toEqual([name, [['States.ALL']]]);
  });

  it('comes from a pass that failed to the next pass', () => {
    const { States } = passes;
    const next = States['Observe Flink']?.Catch?.[0]?.Next ?? '';
    expect([next, States[next]?.Next]).toEqual(['Count pass', 'All passes made?']);
    expect(States['All passes made?']).toMatchObject({ Default: 'Wait for the next pass' });
    expect(States['Wait for the next pass']).toMatchObject({ Type: 'Wait', Next: 'Observe Flink' });
  });

  it.each([
    [true, 1],
    [false, 6],
  ])('of a cluster that is idle (%s) makes %i passes in a minute', async (idle, most) => {
    const assigned = (passes.States['Observe Flink']?.Assign as Readonly<Record<string, string>> | undefined)?.passes ?? '';
    const expression = /^\{% (.*) %\}$/.exec(assigned)?.[1] ?? '';
    expect(await jsonata(expression).evaluate({}, { states: { result: { Payload: { idle } } }, passes: 6 })).toBe(most);
  });

  const listed = async (count: number, intervalSeconds: 10 | 60) => {
    const store = createFakeStore(() => new Date());
    store.seed({ clusters: Array.from({ length: count }, (_, index) => aCluster({ name: `c-${String(index).padStart(3, '0')}` })) });
    return listObservedClusters({ store, stage: { observation: { intervalSeconds, perVertex: false } } });
  };
  const SEEN = { consider: [], considerFailover: false, idle: false };

  it('makes no cluster of the largest stage wait for another’s last pass', async () => {
    const observed = new Set<string>();
    let all = (): void => undefined;
    const allAtOnce = new Promise<void>((resolve) => (all = resolve));
    const execution = await execute(
      definitionOf('observe-clusters'),
      {},
      {
        invoke: async (placeholder, payload) => {
          if (placeholder === 'ListObservedClusters') return listed(500, 60);
          observed.add((payload as { readonly cluster: string }).cluster);
          if (observed.size === 500) all();
          await Promise.race([allAtOnce, sleep(5_000)]);
          if (observed.size < 500) throw new Error(`only ${observed.size} clusters were observed at a time`);
          return SEEN;
        },
        pause: async () => undefined,
      },
    );
    expect([execution.status, observed.size]).toEqual(['SUCCEEDED', 500]);
  });

  it('makes its passes at the interval of the cluster, however late the first of them is', async () => {
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask'] });
    const begun: number[] = [];
    try {
      await execute(
        definitionOf('observe-clusters'),
        {},
        {
          invoke: async (placeholder) => {
            jest.setSystemTime(Date.now() + (placeholder === 'ListObservedClusters' ? 35_000 : 2_000));
            if (placeholder === 'ListObservedClusters') return listed(1, 10);
            begun.push(Date.now() / 1_000 - 2);
            return SEEN;
          },
          pause: async (seconds) => void jest.setSystemTime(Date.now() + seconds * 1_000),
        },
      );
    } finally {
      jest.useRealTimers();
    }
    expect(begun).toEqual([35, 45, 55, 65, 75, 85]);
  });

  it('begins the groups of a stage one after the other, all within the time of an execution', async () => {
    const { groups } = await listed(500, 10);
    expect(groups.map(({ clusters }) => clusters.length)).toEqual([...Array.from({ length: 12 }, () => 40), 20]);
    expect(groups.map(({ afterSeconds }) => afterSeconds)).toEqual(Array.from({ length: 13 }, (_, index) => index));
    expect(machine.TimeoutSeconds).toBeGreaterThan(12 + 60 + 2 * 40);
  });

  it('asks whether to fail over before anything else, and goes on with its passes whatever the answer', () => {
    const { States } = passes;
    expect(States['Anything to consider?']?.Choices?.[0]?.Next).toBe('Consider failover');
    const asks = States['Consider failover'];
    expect([asks?.Next, asks?.Catch?.[0]?.Next]).toEqual(['Count pass', 'Count pass']);
  });

  it('makes passes for a minute, with intervals that divide it, and ends within what an Express machine has', () => {
    for (const { value } of observationInterval.options) expect(60 % value).toBe(0);
    expect(machine.TimeoutSeconds).toBeGreaterThan(60 + 2 * 40);
    expect(machine.TimeoutSeconds).toBeLessThanOrEqual(EXPRESS_LIMIT_SECONDS);
  });

  it('has no state that is never entered', () => {
    for (const within of [machine, ...all(machine).flatMap(([, { ItemProcessor }]) => ItemProcessor ?? [])]) {
      const named = Object.values(within.States).flatMap((state) => [
        state.Next,
        state.Default,
        ...(state.Choices ?? []).map(({ Next }) => Next),
        ...(state.Catch ?? []).map(({ Next }) => Next),
      ]);
      expect(Object.keys(within.States).filter((name) => name !== within.StartAt && !named.includes(name))).toEqual([]);
    }
  });
});
