import * as z from 'zod';
import { storedDecision } from '../../lambdas/contracts/observation';
import { type JobObservation, scalingInputs, type VertexSeen } from '../../lambdas/contracts/scaling';
import { requestHashOf } from '../../lambdas/domain/operation-id';
import { redecide } from '../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../lambdas/domain/scaling/decision';
import { percent } from '../../lambdas/domain/scaling/explain';
import type { ObservationStorePort } from '../../lambdas/gateways/aws/observations.port';
import type { StorePort } from '../../lambdas/gateways/aws/store.port';

export interface Explained {
  readonly lines: readonly string[];
  /** The same inputs gave the same decision again; true as well where only inputs were given. */
  readonly same: boolean;
}

/** Names of vertices and messages of failures are the program's own words: a terminal is to show them, not to obey them. */
const shown = (line: string): string => line.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');

/** What a file may hold: a decision as it is kept with its operation, or only what one follows from. */
const given = z.union([storedDecision, scalingInputs]);

/** Says a decision in readable lines, and makes it again. @throws ZodError when it is neither a decision nor inputs of one */
export const explain = (stored: unknown): Explained => {
  const parsed = given.parse(stored);
  const again = redecide('inputs' in parsed ? parsed.inputs : parsed);
  if (!('inputs' in parsed)) return { lines: linesOf(again).map(shown), same: true };
  const different = differences(parsed as ScalingDecision, again);
  const verdict =
    different.length === 0
      ? 'Decided again from the stored inputs: the same.'
      : `Decided again from the stored inputs: NOT the same (${different.join(', ')}). It was decided by another version. Now: ${again.reason}`;
  return { lines: [...linesOf(parsed as ScalingDecision), '', verdict].map(shown), same: different.length === 0 };
};

/** Where operations are, and what they were decided by. */
export interface Kept {
  readonly store: Pick<StorePort, 'operation'>;
  readonly observations: Pick<ObservationStorePort, 'decision'>;
  readonly bucket: string;
}

/** Says what an operation was decided by, and how far it has come. @throws Error when it was not decided by the control plane, or nobody kept by what */
export const explainOperation = async ({ store, observations, bucket }: Kept, operationId: string): Promise<Explained> => {
  const operation = await store.operation(operationId);
  if (!operation) throw new Error(`there is no operation ${operationId}`);
  const { request } = operation;
  if (request.kind !== 'scale-job' || request.action === 'settle')
    throw new Error(`operation ${operationId} (${operation.kind}) was not decided by the control plane: ${operation.reason}`);
  const decision = await observations.decision(operation.cluster, operationId);
  if (!decision) throw new Error(`what operation ${operationId} was decided by is not in ${bucket} any more`);
  const { lines, same } = explain(decision);
  const phases = operation.phases.map(({ name, outcome, reason }) => `  ${name}: ${reason} (${outcome})`);
  return {
    lines: [...lines, '', ...[`Asked for by ${request.trigger}. ${operation.status}: ${operation.reason}`, ...phases].map(shown)],
    same,
  };
};

/** Says what the newest pass of observation saw of a job's vertices. @throws Error when none was kept */
export const explainJob = async (observations: Pick<ObservationStorePort, 'latest'>, cluster: string, job: string): Promise<Explained> => {
  const latest = await observations.latest(cluster, job);
  if (!latest) throw new Error(`there is no observation of job ${job} on cluster ${cluster}`);
  const { observation, decision } = latest;
  const lines = [
    `Job ${job} on cluster ${cluster} is ${observation.state}, observed at ${observation.observedAt} (${observation.windowSeconds} s)`,
    ...sharesOf(observation),
    ...(decision ? [`That pass would decide: ${decision.reason}`] : []),
  ];
  return { lines: lines.map(shown), same: true };
};

const share = ({ mean, worst }: VertexSeen['busy']): string =>
  [mean, worst].map((value) => (value === null ? 'not known' : percent(value))).join(' / ');

const sharesOf = ({ vertices }: JobObservation): readonly string[] => [
  'Vertices, as shares of time, mean / worst subtask:',
  ...vertices.map(({ name, parallelism, busy, backpressured, idle, incomplete, finished }) => {
    const told = finished ? ' (it has finished)' : incomplete ? ' (its figures are incomplete)' : '';
    return `  ${name} with ${parallelism}: busy ${share(busy)}, backpressured ${share(backpressured)}, idle ${share(idle)}${told}`;
  }),
];

/** JSON has no infinity and leaves out what is undefined: both sides are compared as they are kept. */
const asKept = (value: unknown): string => requestHashOf(JSON.parse(JSON.stringify(value)));

const differences = (kept: ScalingDecision, again: ScalingDecision): string[] =>
  (['action', 'reason', 'nextState', 'explanation'] as const).filter((part) => asKept(kept[part]) !== asKept(again[part]));

const volumesOf = ({ volumeDollarsPerHour: dollars = 0 }: ScalingDecision['inputs']['observed']['fleet']): string =>
  dollars > 0 ? `, $${Number(dollars.toPrecision(2))} of it for volumes` : '';

const linesOf = ({ action, reason, explanation, inputs }: ScalingDecision): string[] => {
  const { job, fleet, history } = inputs.observed;
  const nameOf = (id: string): string => job.vertices.find((vertex) => vertex.id === id)?.name ?? id;
  const changed = 'to' in action ? Object.entries(action.to).filter(([id, parallelism]) => action.from[id] !== parallelism) : [];
  return [
    reason,
    '',
    `Job ${job.job} on cluster ${job.cluster}, decided at ${inputs.now} by the observation of ${job.observedAt} (${job.windowSeconds} s)`,
    `Decision: ${action.kind}${action.kind === 'rescale' ? ` ${action.direction}` : ''}`,
    ...changed.map(([id, parallelism]) => `  ${nameOf(id)}: ${'from' in action ? action.from[id] : '?'} → ${parallelism}`),
    ...('plan' in action
      ? [
          `Slots: ${action.plan.slotsBefore} → ${action.plan.slotsAfter}, ${action.plan.slotsToProvide} to be provided, ${action.plan.order.replaceAll('-', ' ')}`,
        ]
      : []),
    `Fleet: ${fleet.slotsFree} slots free, ${fleet.slotsAddable ?? 'any number'} can be added, $${fleet.dollarsPerHour.toFixed(2)} an hour now${volumesOf(fleet)}`,
    `History: ${history.length} rescales are known`,
    ...sharesOf(job),
    'Why:',
    ...explanation.map(({ text, invariant }) => `  - ${text}${invariant ? ` [${invariant}]` : ''}`),
  ];
};
