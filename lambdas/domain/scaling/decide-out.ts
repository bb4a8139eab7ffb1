import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { lastDay } from './calm';
import type { Outcome } from './decision';
import type { JobEvaluation } from './evaluate';
import { capital, type Line, perSecond, slots } from './explain';
import { fitSlots } from './fit-slots';
import { slotsFor } from './graph';
import { secondsBetween } from './learning';
import type { Outlook } from './outlook';
import { changes, rescale } from './plan';
import { type Proposal, withChange } from './propose';

/** The vertex that is shortest of what it needs, in a sentence. */
const bottleneck = (proposals: readonly Proposal[]): string => {
  const short = proposals.filter((proposal) => proposal.short).flatMap(({ vertices }) => vertices);
  const [worst] = short.sort((a, b) => (a.rate ?? 0) / (a.demand?.target || 1) - (b.rate ?? 0) / (b.demand?.target || 1));
  if (!worst?.demand || worst.rate === null) return 'more is needed';
  return `${worst.vertex.name} can process ${perSecond(worst.rate)} and ${perSecond(worst.demand.target)} come in`;
};

/** Some vertex is short of what it needs: how much can be given, and whether now. */
export const decideOut = (
  inputs: ScalingInputs,
  evaluation: JobEvaluation,
  { jump, trend }: Outlook,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
): Outcome => {
  const { observed, desired, now } = inputs;
  const { job, state, history } = observed;
  const outSince = state.outSince ?? now;
  const hold = (reason: string, ...lines: Line[]): Outcome => ({ action: { kind: 'hold' }, reason, lines, outSince });
  const why = bottleneck(proposals);
  const from = withChange(proposals, (_, current) => current);
  const asked = withChange(proposals, (proposal, current) => (proposal.out > proposal.current ? proposal.out : current));
  if (!changes(from, asked)) {
    const [held] = proposals
      .filter(({ short }) => short)
      .flatMap(({ lines }) => lines)
      .filter(({ invariant }) => invariant === 'learning' || invariant === 'limits');
    return hold(`More is needed and cannot be given: ${held?.text ?? why}.`);
  }
  // Those that would be short next get theirs along with it: one rescale, and often the same slots.
  const wanted = withChange(proposals, (proposal, current) => (proposal.along > proposal.current ? proposal.along : current));
  const scheduled = proposals.some(({ belowFloor }) => belowFloor);
  if (evaluation.urgent === null && !scheduled) {
    const { rescales } = lastDay(history, desired, now);
    if (rescales >= desired.rescalesPerDay)
      return hold(`${capital(why)}, but the job was rescaled ${rescales} times in 24 hours and its lag is within its level.`, {
        vertex: null,
        text: `only a lag over its level is a reason for more than ${desired.rescalesPerDay} rescales in 24 hours`,
        invariant: 'calm',
      });
    if (trend === null && secondsBetween(outSince, now) < desired.scaleOutWindowSeconds)
      return hold(
        `${capital(why)}; a scale-out waits until that was so for ${desired.scaleOutWindowSeconds} s, because the lag is within its level.`,
        {
          vertex: null,
          text: `more is needed since ${outSince}`,
          invariant: 'calm',
        },
      );
  }
  const lines: Line[] = [];
  if (evaluation.urgent !== null)
    lines.push({ vertex: null, text: `decided without a window: ${evaluation.urgent}`, invariant: 'spike-on-evidence' });
  else if (trend !== null) lines.push({ vertex: null, text: `decided without a window: ${trend.text}`, invariant: 'spike-on-evidence' });
  const before = slotsFor(job.vertices, {});
  const { to, limit, slotsWanted, cut, lines: fitted } = fitSlots(inputs, proposals, needed, wanted);
  lines.push(...fitted);
  if (!changes(from, to))
    return { ...hold(`${capital(why)}; ${slots(slotsWanted)} are wanted and held back by ${limit.name}.`, ...lines), withoutSlots: true };
  // Who gives may have more to give than is taken: then hosts go when the parallelism is changed, and none is waited for.
  const action = rescale(observed, desired, evaluation, slotsFor(job.vertices, to) < before ? 'in' : 'out', to);
  if (action.plan.slotsToProvide > 0)
    lines.push({
      vertex: null,
      text: `${slots(action.plan.slotsToProvide)} are provided before the parallelism is raised`,
      invariant: 'capacity-before-parallelism',
    });
  const cause = [why, evaluation.urgent ?? trend?.text, jump?.text].filter((part) => part !== undefined).join('; ');
  const moves = Object.entries(to).some(([id, parallelism]) => parallelism < (from[id] ?? 0));
  return {
    action,
    reason: `${moves ? 'Move slots,' : 'Scale out'} from ${before} to ${slots(action.plan.slotsAfter)}: ${cause}${cut ? `; ${slotsWanted} were wanted, held back by ${limit.name}` : ''}.`,
    lines,
  };
};
