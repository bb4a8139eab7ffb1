import * as z from 'zod';
import { storedDecision } from '../../lambdas/contracts/observation';
import { scalingInputs } from '../../lambdas/contracts/scaling';
import { requestHashOf } from '../../lambdas/domain/operation-id';
import { redecide } from '../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../lambdas/domain/scaling/decision';

export interface Explained {
  readonly lines: readonly string[];
  /** The same inputs gave the same decision again; true as well where only inputs were given. */
  readonly same: boolean;
}

/** What a file may hold: a decision as it is kept with its operation, or only what one follows from. */
const given = z.union([storedDecision, scalingInputs]);

/** Says a decision in readable lines, and makes it again. @throws ZodError when it is neither a decision nor inputs of one */
export const explain = (stored: unknown): Explained => {
  const parsed = given.parse(stored);
  const again = redecide('inputs' in parsed ? parsed.inputs : parsed);
  if (!('inputs' in parsed)) return { lines: linesOf(again), same: true };
  const different = differences(parsed as ScalingDecision, again);
  const verdict =
    different.length === 0
      ? 'Decided again from the stored inputs: the same.'
      : `Decided again from the stored inputs: NOT the same (${different.join(', ')}). It was decided by another version. Now: ${again.reason}`;
  return { lines: [...linesOf(parsed as ScalingDecision), '', verdict], same: different.length === 0 };
};

/** JSON has no infinity and leaves out what is undefined: both sides are compared as they are kept. */
const asKept = (value: unknown): string => requestHashOf(JSON.parse(JSON.stringify(value)));

const differences = (kept: ScalingDecision, again: ScalingDecision): string[] =>
  (['action', 'reason', 'nextState', 'explanation'] as const).filter((part) => asKept(kept[part]) !== asKept(again[part]));

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
    `Fleet: ${fleet.slotsFree} slots free, ${fleet.slotsAddable ?? 'any number'} can be added, $${fleet.dollarsPerHour.toFixed(2)} an hour now`,
    `History: ${history.length} rescales are known`,
    'Why:',
    ...explanation.map(({ text, invariant }) => `  - ${text}${invariant ? ` [${invariant}]` : ''}`),
  ];
};
