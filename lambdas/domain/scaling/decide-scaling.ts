import { type ScalingInputs, type ScalingObserved, type ScalingSettings, type ScalingState, scalingInputs } from '../../contracts/scaling';
import { secondsBetween } from '../clock';
import { remember } from './calm';
import { decideIn } from './decide-in';
import { decideOut } from './decide-out';
import type { Outcome, ScalingDecision } from './decision';
import { evaluateJob, type JobEvaluation } from './evaluate';
import { capital, type Line } from './explain';
import { lowers, type Parallelism, raises } from './graph';
import { brokersFull, kafkaLines, withOffsets } from './kafka';
import { runningSince, whatGotWorse } from './learning';
import { holdToLimits } from './limits';
import { type Outlook, outlookOf } from './outlook';
import { changes, planOf } from './plan';
import { type Proposal, propose, withChange } from './propose';
import { withLoad } from './trend';

export const NOTHING_KNOWN: ScalingState = { outSince: null, needed: [], loads: [] };

/** Why these figures say nothing about the job as it is now; null when they do. */
const whyUndecided = ({ job, history }: ScalingObserved, settings: ScalingSettings): string | null => {
  if (job.state !== 'RUNNING') return `the job is ${job.state}`;
  if (job.incomplete) return 'the figures are incomplete, as they are while a job restarts';
  if (job.vertices.length === 0) return 'no vertex was seen';
  const last = history.at(-1);
  if (last && Date.parse(job.observedAt) - job.windowSeconds * 1_000 < runningSince(last, settings))
    return 'the figures are in part from before the last rescale';
  return null;
};

/** Many may ask at once, as after an outage: who got less than it wanted is told its place. */
const shareLines = ({ fleet: { share } }: ScalingObserved): readonly Line[] =>
  share === undefined ? [] : [{ vertex: null, text: share, invariant: 'shared-by-priority' }];

/** What is short and cannot be given more keeps what it has: no reason for others to keep what they do not need. */
const decideShort = (
  inputs: ScalingInputs,
  evaluation: JobEvaluation,
  outlook: Outlook,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
): Outcome => {
  const out = decideOut(inputs, evaluation, outlook, proposals, needed);
  const mayGet = !out.withoutSlots && proposals.some((proposal) => proposal.short && proposal.out > proposal.current);
  if (evaluation.urgent !== null || mayGet) return out;
  const inward = decideIn(inputs, evaluation, proposals, needed, outlook);
  return inward.action.kind === 'rescale' ? inward : out;
};

/** What is decided, before what every decision says and holds. */
type Decided = Pick<ScalingDecision, 'action' | 'reason' | 'nextState' | 'explanation'>;

/** The way back from a rescale that made things worse, as far as there are slots for it; null: nothing is to be taken back. */
const rollBack = (inputs: ScalingInputs): Decided | null => {
  const { observed, desired } = inputs;
  const { job, history } = observed;
  const last = history.at(-1);
  const worse = whatGotWorse(last, job);
  if (!last || worse === null) return null;
  const from = Object.fromEntries(job.vertices.map(({ id, parallelism }) => [id, parallelism]));
  const before = Object.fromEntries(job.vertices.map(({ id, parallelism }) => [id, last.from[id] ?? parallelism]));
  const { to } = holdToLimits(job.vertices, before, observed.fleet, desired);
  if (!changes(from, to)) return null;
  const needed = whyNeeded(inputs, from, to);
  if (needed !== null) return keep(inputs, `the rescale of ${last.at} made things worse (${worse}) and is not rolled back: ${needed}`);
  return {
    action: { kind: 'roll-back', undoes: last.at, from, to, plan: planOf(observed, desired, to) },
    reason: `Roll back the rescale of ${last.at}: ${worse}.`,
    nextState: NOTHING_KNOWN,
    explanation: [{ vertex: null, text: `the rescale of ${last.at} made things worse: ${worse}`, invariant: 'learning' }],
  };
};

/**
 * Why what a roll-back would take away is needed, as a part of a sentence; null: it is not, or nobody knows. A job that restarts does nothing with what it has,
 * and the way back may be what lets it run.
 */
const whyNeeded = ({ observed, desired }: ScalingInputs, from: Parallelism, to: Parallelism): string | null => {
  if (!lowers(from, to) || whyUndecided(observed, desired) !== null) return null;
  const { vertices, urgent } = evaluateJob(observed.job, desired);
  const lowered = [...vertices.values()].filter(({ vertex: { id } }) => (to[id] ?? 0) < (from[id] ?? 0));
  const one = lowered.find(({ saturated, backpressures }) => saturated || backpressures);
  return one ? `${one.vertex.name} ${one.saturated ? 'is saturated' : 'backpressures its inputs'}` : urgent;
};

/** Neither back nor further: a size that made things worse is followed by a larger one only where a service level is broken. */
const keep = (inputs: ScalingInputs, why: string): Decided => {
  const { action, reason, nextState, explanation } = byFigures(inputs);
  const lines: readonly Line[] = [{ vertex: null, text: why, invariant: 'saturated-never-scaled-in' }, ...explanation];
  if (action.kind === 'rescale' && action.urgent && raises(action.from, action.to))
    return { action, reason, nextState, explanation: lines };
  return { action: { kind: 'hold' }, reason: `${capital(why)}.`, nextState, explanation: lines };
};

const undecided = ({ job, state }: ScalingObserved, why: string): Decided => ({
  action: { kind: 'hold' },
  reason: `Nothing is decided: ${why}.`,
  nextState: { ...NOTHING_KNOWN, loads: withLoad(state.loads, job.observedAt, null) },
  explanation: [{ vertex: null, text: why, invariant: 'undecidable-holds-only-what-it-touches' }],
});

const byFigures = (inputs: ScalingInputs): Decided => {
  const { observed, desired, now } = inputs;
  const { job, state } = observed;
  const evaluation = evaluateJob(job, desired);
  const outlook = outlookOf(inputs, evaluation);
  const { loads } = outlook;
  const proposals = propose(evaluation, observed, desired, outlook, now);
  // What cannot be decided now says nothing of what is needed.
  const decidable = proposals.filter(({ undecidable }) => !undecidable);
  const needed = remember(
    state.needed,
    now,
    withChange(decidable, (proposal, current) => (proposal.short ? current : Math.min(current, proposal.in))),
    desired,
  );
  const short = proposals.some((proposal) => proposal.short);
  const outcome = short
    ? decideShort(inputs, evaluation, outlook, proposals, needed)
    : decideIn(inputs, evaluation, proposals, needed, outlook);
  const { action, reason } = outcome;
  const explanation = [...proposals.flatMap(({ lines }) => lines), ...outcome.lines];
  // Kept although it is decided: who observes does not carry it out, and who does decides again from what was kept. The first figures after
  // the rescale begin it anew.
  if (action.kind === 'rescale')
    return {
      action,
      reason,
      nextState: { outSince: raises(action.from, action.to) ? (state.outSince ?? now) : null, needed, loads },
      explanation,
    };
  const nextState = { outSince: outcome.outSince ?? null, needed, loads };
  if (action.kind !== 'none' || evaluation.urgent === null) return { action, reason, nextState, explanation };
  const why = brokersFull(observed, now) ?? 'look at what the job waits for';
  return {
    action: { kind: 'hold' },
    reason: `${capital(evaluation.urgent)}, but no vertex is short of what it needs: ${why}.`,
    nextState,
    explanation,
  };
};

/**
 * Decides whether a job is to be rescaled, and to what. Pure: the same observation, settings and instant give the same decision.
 * To be called at every observation, its `nextState` stored whatever the action; `now` is ISO 8601.
 */
export const decideScaling = (given: ScalingObserved, desired: ScalingSettings, now: string): ScalingDecision => {
  const observed: ScalingObserved = given.kafka ? { ...given, job: withOffsets(given.job, given.kafka, now) } : given;
  const decide = (): Decided => {
    const age = secondsBetween(observed.job.observedAt, now);
    if (!(age <= desired.staleAfterSeconds)) return undecided(observed, `the observation is ${Math.round(age)} s old`);
    const back = rollBack({ observed, desired, now });
    if (back) return back;
    const why = whyUndecided(observed, desired);
    return why === null ? byFigures({ observed, desired, now }) : undecided(observed, why);
  };
  const { action, reason, nextState, explanation } = decide();
  return {
    action,
    nextState,
    reason,
    // As they were given: what follows from them follows again.
    inputs: { observed: given, desired, now },
    explanation: [...explanation, ...shareLines(given), ...kafkaLines(given, now)],
  };
};

/** The same decision from what was stored with it. @throws ZodError when the stored inputs are not what `ScalingDecision.inputs` holds */
export const redecide = (stored: unknown): ScalingDecision => {
  const { observed, desired, now } = scalingInputs.parse(stored);
  return decideScaling(observed, desired, now);
};
