import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { secondsBetween } from '../clock';
import { lastDay } from './calm';
import type { Outcome } from './decision';
import type { JobEvaluation } from './evaluate';
import { capital, type Line, perSecond, slots } from './explain';
import { fitSlots } from './fit-slots';
import { lowers, slotsFor } from './graph';
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

/** What speaks against more for every vertex that is short, as a part of a sentence; undefined: the figures alone. */
const whyNoneAsked = (proposals: readonly Proposal[]): string | undefined =>
  proposals
    .filter(({ short }) => short)
    .flatMap(({ lines }) => lines)
    .find(({ invariant }) => invariant === 'learning' || invariant === 'limits')?.text;

/** Why a scale-out that nothing urgent asks for waits, as two parts: after what is short, and as a line; null: it does not. */
const whyWait = (
  { observed, desired, now }: ScalingInputs,
  trend: Outlook['trend'],
  outSince: string,
): readonly [string, string] | null => {
  const { rescales } = lastDay(observed.history, desired, now);
  if (rescales >= desired.rescalesPerDay)
    return [
      `, but the job was rescaled ${rescales} times in 24 hours and its lag is within its level.`,
      `only a lag over its level is a reason for more than ${desired.rescalesPerDay} rescales in 24 hours`,
    ];
  if (trend === null && secondsBetween(outSince, now) < desired.scaleOutWindowSeconds)
    return [
      `; a scale-out waits until that was so for ${desired.scaleOutWindowSeconds} s, because the lag is within its level.`,
      `more is needed since ${outSince}`,
    ];
  return null;
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
  const { job, state } = observed;
  const { urgent } = evaluation;
  const outSince = state.outSince ?? now;
  const hold = (reason: string, ...lines: Line[]): Outcome => ({ action: { kind: 'hold' }, reason, lines, outSince });
  const why = bottleneck(proposals);
  const from = withChange(proposals, (_, current) => current);
  const asked = withChange(proposals, (proposal, current) => (proposal.out > proposal.current ? proposal.out : current));
  if (!changes(from, asked)) return hold(`More is needed and cannot be given: ${whyNoneAsked(proposals) ?? why}.`);
  const scheduled = proposals.some(({ belowFloor }) => belowFloor);
  const wait = urgent === null && !scheduled ? whyWait(inputs, trend, outSince) : null;
  if (wait) return hold(`${capital(why)}${wait[0]}`, { vertex: null, text: wait[1], invariant: 'calm' });
  const lines: Line[] = [];
  const evidence = urgent ?? trend?.text;
  if (evidence !== undefined) lines.push({ vertex: null, text: `decided without a window: ${evidence}`, invariant: 'spike-on-evidence' });
  const before = slotsFor(job.vertices, {});
  // Those that would be short next get theirs along with it: one rescale, and often the same slots.
  const wanted = withChange(proposals, (proposal, current) => (proposal.along > proposal.current ? proposal.along : current));
  const { to, limit, slotsWanted, cut, lines: fitted } = fitSlots(inputs, proposals, needed, wanted);
  lines.push(...fitted);
  if (!changes(from, to))
    return { ...hold(`${capital(why)}; ${slots(slotsWanted)} are wanted and held back by ${limit.name}.`, ...lines), withoutSlots: true };
  // Who gives may have more to give than is taken: then hosts go when the parallelism is changed, and none is waited for.
  const action = rescale(observed, desired, evaluation, slotsFor(job.vertices, to) < before ? 'in' : 'out', to);
  const { slotsAfter, slotsToProvide } = action.plan;
  if (slotsToProvide > 0)
    lines.push({
      vertex: null,
      text: `${slots(slotsToProvide)} are provided before the parallelism is raised`,
      invariant: 'capacity-before-parallelism',
    });
  const cause = [why, evidence, jump?.text].filter((part) => part !== undefined).join('; ');
  const rest = cut ? `; ${slotsWanted} were wanted, held back by ${limit.name}` : '';
  return {
    action,
    reason: `${lowers(from, to) ? 'Move slots,' : 'Scale out'} from ${before} to ${slots(slotsAfter)}: ${cause}${rest}.`,
    lines,
  };
};
