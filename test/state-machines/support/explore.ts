import type { OperationKind } from '../../../lambdas/contracts/operation';
import { type Definition, definitionOf, type Execution, execute } from './interpreter';

/** What a task does: answers (one answer after another, the last one again and again), or fails with an error of this name. */
export type Outcome = { readonly answers: readonly Record<string, unknown>[] } | { readonly fails: string };
/** By name of the state; a state that is not named answers `OK`. */
export type Plan = Readonly<Record<string, Outcome>>;

export interface Case {
  readonly plan: Plan;
  readonly execution: Execution;
}

/** An answer with every field that any state reads. */
const OK = {
  ready: true,
  reason: 'as expected',
  plan: 'savepoint',
  epoch: 1,
  jarId: 'a_job.jar',
  parallelism: 2,
  location: 's3://state/savepoint-1',
  seenAt: '2026-03-01T12:00:00.000Z',
  addresses: [],
  workers: [],
  hosts: [{ instanceId: 'i-1', addresses: ['127.64.0.5'] }],
  status: 'FAILED',
  partial: false,
  again: false,
  late: false,
  keepsVolumes: false,
  standsBy: false,
  settleSeconds: 1,
  volumeSnapshots: [],
};
export const ANSWER: Outcome = { answers: [OK] };
const NOT_READY = { ...OK, ready: false };
/** Of every kind one: what stands for "anything else" must be in no Retry. */
const OTHER_ERROR = 'SomethingUnforeseen';
/** Ways a workflow can go, as `begin-operation` says it. */
const PLANS: Readonly<Partial<Record<OperationKind, readonly string[]>>> = {
  'terminate-cluster': ['cancel', 'nothing', 'nothing-runs'],
  'stop-job': ['cancel', 'nothing'],
  'replace-host': ['replace-jobmanager', 'relieve-jobmanager'],
  'rescale-job': ['in', 'out'],
  'scale-job': ['in', 'out', 'settle'],
  'upgrade-job': ['restore'],
  'fail-over-cluster': ['clean'],
  'prepare-reserve': ['take-away', 'resize'],
};

/** The definition with every loop bounded at three looks: the bound itself is a number, not a way to go. */
export const shortened = (kind: OperationKind): Definition =>
  JSON.parse(JSON.stringify(definitionOf(kind)).replace(/\$tries >= \d+/g, '$tries >= 3')) as Definition;

/** Every way out of every state, as `state → next`, with what leads there. */
export const edgesOf = (definition: Definition): readonly string[] =>
  Object.entries(definition.States).flatMap(([name, state]) => [
    ...(state.Next === undefined ? [] : [`${name} → ${state.Next}`]),
    ...(state.Catch ?? []).map((catcher) => `${name} → ${catcher.Next} on ${catcher.ErrorEquals.join()}`),
    ...(state.Choices ?? []).map((rule) => `${name} → ${rule.Next} if ${rule.Condition}`),
    ...(state.Default === undefined ? [] : [`${name} → ${state.Default} else`]),
  ]);

/** What a task of this state can do besides answering OK. */
const deviations = (kind: OperationKind, definition: Definition, name: string): readonly Outcome[] => {
  const state = definition.States[name];
  if (state?.Type !== 'Task') return [];
  const named = (state.Catch ?? [])
    .flatMap(({ ErrorEquals }) => ErrorEquals)
    .map((error) => (error === 'States.ALL' ? OTHER_ERROR : error));
  const task = state.Arguments?.FunctionName ?? '';
  const plans = task.includes('BeginOperation')
    ? (PLANS[kind] ?? [])
    : task.includes('TakeOver')
      ? ['planned', 'ask']
      : task.includes('SecureState')
        ? ['planned']
        : task.includes('RecheckScaling')
          ? ['nothing']
          : [];
  return [
    ...[...new Set(named)].map((error) => ({ fails: error })),
    { answers: [NOT_READY, OK] },
    { answers: [NOT_READY] },
    ...plans.map((plan) => ({ answers: [{ ...OK, plan }] })),
    ...(task.includes('ObserveCluster') ? [{ answers: [{ ...NOT_READY, late: true }] }] : []),
    ...(task.includes('TakeOver') ? ['planned', 'ask', 'lost'].map((plan) => ({ answers: [{ ...OK, plan, keepsVolumes: true }] })) : []),
    ...(task.includes('TakeOver') ? [{ answers: [{ ...OK, standsBy: true }] }] : []),
    ...(task.includes('JobsRestored') ? [{ answers: [{ ...NOT_READY, again: true }, OK] }] : []),
    ...(task.includes('ScaleJob') ? [{ answers: [{ ...OK, partial: true }] }] : []),
    ...(/ChooseHosts|MarkHost/.test(task) ? [{ answers: [{ ...OK, hosts: [] }] }] : []),
    ...(task.includes('EndOperation') ? [{ answers: [{ ...OK, status: 'CANCELED' }] }] : []),
  ];
};

/** Runs a plan in this process and notes the ways that it takes. */
export const runPlan = async (
  definition: Definition,
  plan: Plan,
): Promise<{ readonly execution: Execution; readonly taken: readonly string[] }> => {
  const looks = new Map<string, number>();
  const taken: string[] = [];
  const execution = await execute(
    definition,
    { operationId: 'op-00000000000000000000000001' },
    {
      invoke: async (_, payload) => {
        const { phase } = payload as { readonly phase: string };
        const outcome = plan[phase] ?? ANSWER;
        if ('fails' in outcome) throw Object.assign(new Error('it failed'), { name: outcome.fails });
        const look = looks.get(phase) ?? 0;
        looks.set(phase, look + 1);
        return outcome.answers[Math.min(look, outcome.answers.length - 1)];
      },
      pause: async () => undefined,
      took: (edge) => taken.push(edge),
    },
  );
  return { execution, taken };
};

/** Plans that together take every way that can be taken: each plan found deviates from an earlier one in what one state does. */
export const explore = async (kind: OperationKind): Promise<{ readonly cases: readonly Case[]; readonly missed: readonly string[] }> => {
  const definition = shortened(kind);
  const missed = new Set(edgesOf(definition));
  const cases: Case[] = [];
  const queue: Plan[] = [{}];
  const seen = new Set<string>();
  for (let plan = queue.shift(); plan; plan = queue.shift()) {
    const key = JSON.stringify(Object.entries(plan).sort());
    if (seen.has(key)) continue;
    seen.add(key);
    const { execution, taken } = await runPlan(definition, plan);
    if (!taken.some((edge) => missed.has(edge))) continue;
    for (const edge of taken) missed.delete(edge);
    cases.push({ plan, execution });
    for (const name of new Set(execution.path)) {
      if (plan[name]) continue;
      for (const outcome of deviations(kind, definition, name)) queue.push({ ...plan, [name]: outcome });
    }
  }
  return { cases, missed: [...missed] };
};
