import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { enoughInWindow } from './decide-in';
import { type Line, slots } from './explain';
import { type Parallelism, slotsFor } from './graph';
import { holdToLimits, type Limit } from './limits';
import { type Proposal, withChange } from './propose';

/** What is wanted, as far as there are slots for it. */
interface Fit {
  readonly to: Parallelism;
  readonly limit: Limit;
  readonly slotsWanted: number;
  /** Less was found than was wanted. */
  readonly cut: boolean;
  readonly lines: readonly Line[];
}

const heldToLimits = ({ observed: { job, fleet }, desired }: ScalingInputs, wanted: Parallelism): Fit => {
  const { to, limit } = holdToLimits(job.vertices, wanted, fleet, desired);
  const slotsWanted = slotsFor(job.vertices, wanted);
  const cut = slotsWanted > limit.slots;
  const text = `${slots(slotsWanted)} were wanted, held to ${slots(slotsFor(job.vertices, to))} by ${limit.name}`;
  return { to, limit, slotsWanted, cut, lines: cut ? [{ vertex: null, text, invariant: 'limits' }] : [] };
};

/**
 * In slots that are there or may be added, and, where these do not do, in those that other slot sharing groups have not needed for the whole window. They
 * move in one rescale: what is given back first may be another job's, or not to be had again.
 */
export const fitSlots = (
  inputs: ScalingInputs,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
  wanted: Parallelism,
): Fit => {
  const alone = heldToLimits(inputs, wanted);
  if (!alone.cut) return alone;
  const { given, names } = notNeeded(inputs, proposals, needed, wanted);
  const moved = heldToLimits(inputs, { ...wanted, ...given });
  if (!Object.entries(moved.to).some(([id, parallelism]) => parallelism > (alone.to[id] ?? 0))) return alone;
  const text = `slots that ${names.join(', ')} did not need for ${inputs.desired.scaleInWindowSeconds} s are used, because of ${alone.limit.name}`;
  return { ...moved, lines: [...moved.lines, { vertex: null, text, invariant: 'limits' }] };
};

/** The parallelism of what would be scaled in if nothing were short, where that frees slots. */
const notNeeded = (
  inputs: ScalingInputs,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
  wanted: Parallelism,
): { readonly given: Parallelism; readonly names: readonly string[] } => {
  const { vertices } = inputs.observed.job;
  const others = proposals.filter(({ short }) => !short);
  const enough = enoughInWindow(inputs, others, needed) ?? {};
  const groupsOf = (some: readonly Proposal[]): ReadonlySet<string> =>
    new Set(some.flatMap((one) => one.vertices.map(({ vertex }) => vertex.slotSharingGroup)));
  const frees = (group: string): boolean => {
    const shared = vertices.filter(({ slotSharingGroup }) => slotSharingGroup === group);
    return slotsFor(shared, { ...wanted, ...enough }) < slotsFor(shared, {});
  };
  const givers = new Set([...groupsOf(others.filter(({ over }) => over))].filter(frees));
  const giving = others.filter((one) => [...groupsOf([one])].some((group) => givers.has(group)));
  const given = withChange(giving, (_, current, id) => enough[id] ?? current);
  const names = vertices.filter(({ id, parallelism }) => (given[id] ?? parallelism) < parallelism).map(({ name }) => name);
  return { given, names };
};
