import type {
  AlarmKind,
  AlarmSeen,
  JobObservation,
  PastRescale,
  ScalingEffect,
  ScalingInputs,
  ScalingSettings,
  VertexSeen,
} from '../../contracts/scaling';
import { isKafkaLag } from '../alarms';
import type { ScalingAction, ScalingDecision } from '../scaling/decision';
import { evaluateJob } from '../scaling/evaluate';
import { raises } from '../scaling/graph';
import { sourceByOffsets } from '../scaling/kafka';
import { effectNow, runningSince } from '../scaling/learning';
import { vertexLimits } from '../scaling/limits';
import { outlookOf } from '../scaling/outlook';
import { worst } from '../scaling/rates';

type Rescale = Extract<ScalingAction, { kind: 'rescale' }>;

/** A job that has just been rescaled reads what waited meanwhile, compiles its code, and says little about its new size. Seconds. */
const SETTLING_SECONDS = 120;

/**
 * What asks for a decision to be carried out, for a person; null: nothing does. A rescale that only the figures of one pass speak for waits for an
 * alarm, which speaks for several, as a trend does.
 */
export const whyConsider = (
  { action, inputs }: ScalingDecision,
  alarms: Readonly<Partial<Record<AlarmKind, Pick<AlarmSeen, 'state'>>>>,
): string | null => {
  const { observed, desired } = inputs;
  const evaluation = observed.job.incomplete ? null : evaluateJob(observed.job, desired);
  // Told also when nothing can be done about it, so that the reason is recorded on the job.
  if (evaluation?.urgent) return `service level: ${evaluation.urgent}`;
  if (evaluation?.backlog) return 'service level: the lag is over its level';
  const active = (Object.keys(alarms) as AlarmKind[]).filter((kind) => alarms[kind]?.state === 'ALARM');
  const rings = (kinds: readonly AlarmKind[]): string => `alarm ${kinds.join(', ')}`;
  // A pass knows nothing of this lag. Who decides reads it.
  const groups = active.filter(isKafkaLag);
  if (groups.length > 0 && evaluation && sourceByOffsets(observed.job)) return rings(groups);
  if (action.kind === 'none' || action.kind === 'hold') return null;
  if (action.kind === 'roll-back') return 'roll-back';
  const more = raises(action.from, action.to);
  // Less has an alarm of its own: one that rings for more says nothing for it.
  const fitting = active.filter((kind) => (kind === 'idle' ? action.direction === 'in' : more));
  if (fitting.length > 0) return rings(fitting);
  if (isBackFromBurst(action, inputs)) return 'back from a burst';
  if (!more && isIdleBesideBusy(action, inputs)) return 'idle beside a busy vertex';
  if (movesIntoLimits(action, inputs)) return 'limits';
  const outlook = evaluation === null ? null : outlookOf(inputs, evaluation);
  if (more && outlook?.trend) return 'trend';
  if (more && outlook && outlook.leadFactor > 1) return 'forecast';
  const floor = desired.floors.length > 0 && more;
  return floor ? 'floor' : null;
};

/** What a burst asked for was asked for without an alarm, and is not kept until there is one: that less was enough for as long as the decision wants has to do. */
const isBackFromBurst = ({ direction }: Pick<Rescale, 'direction'>, { observed }: ScalingInputs): boolean =>
  direction === 'in' && observed.history.at(-1)?.urgent === true;

/**
 * The alarm for less is of the busiest subtask: while its vertex has enough to do, no alarm speaks for the others, and what lasted as long as the decision wants
 * has to do.
 */
const isIdleBesideBusy = ({ direction, from, to }: Rescale, { observed, desired }: ScalingInputs): boolean => {
  const isBusy = ({ busy }: VertexSeen): boolean => (worst(busy) ?? 0) >= desired.uMin;
  const { vertices } = observed.job;
  return direction === 'in' && vertices.some(isBusy) && vertices.some((vertex) => to[vertex.id] !== from[vertex.id] && !isBusy(vertex));
};

/** Limits that are new do not show in the figures, so that no alarm speaks for them. */
const movesIntoLimits = ({ from, to }: Pick<PastRescale, 'from' | 'to'>, { observed, desired }: ScalingInputs): boolean =>
  observed.job.vertices.some((vertex) => {
    const { least, most } = vertexLimits(vertex, desired, 1);
    const [before, after] = [from[vertex.id] ?? 0, to[vertex.id] ?? 0];
    return (before < least && after > before) || (before > most && after < before);
  });

/** What the last rescale gave, when the job has run with it for long enough and this observation knows; null when it is not due. */
export const effectDue = (last: PastRescale | undefined, job: JobObservation, settings: ScalingSettings): ScalingEffect | null => {
  if (!last || last.measured !== null || job.incomplete || job.state !== 'RUNNING') return null;
  const begun = Date.parse(job.observedAt) - job.windowSeconds * 1_000;
  if (job.windowSeconds <= 0 || begun < runningSince(last, settings) + SETTLING_SECONDS * 1_000) return null;
  const effect = effectNow(evaluateJob(job, settings), job);
  const changed = Object.keys(last.to).filter((id) => last.from[id] !== last.to[id]);
  return changed.some((id) => effect.rates[id] !== null && effect.rates[id] !== undefined) ? effect : null;
};
