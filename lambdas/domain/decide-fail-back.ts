import type { Cluster, FailBackPolicy, HomeSeen } from '../contracts/cluster';
import { later, secondsBetween } from './clock';
import type { Move } from './move';
import { isWithin } from './time-window';

export type FailBackDecision = { readonly action: 'move' | 'hold'; readonly reason: string };

export interface ClusterAway extends Pick<Cluster, 'name' | 'zone' | 'status' | 'desired'> {
  readonly home: string;
  readonly policy: FailBackPolicy;
  /** What was found of the home zone by now. */
  readonly seen: HomeSeen;
  /** Why it is not to be touched now: an operation, a fault. */
  readonly inTheWay?: string | undefined;
  /** The newest first, as far back as `BACK_OFF_DAYS`. */
  readonly moves: readonly Pick<Move, 'at' | 'trigger' | 'from'>[];
}

/** A home zone that was not looked at for so long is not known to have been well. Looks are a minute apart. Seconds. */
const UNSEEN_SECONDS = 180;
/** AWS tells reliably neither when it shifts traffic away from a zone nor when that is over; an autoshift takes hours at most. Seconds. */
export const SHUNNED_SECONDS = 6 * 3_600;
/** After any move the cluster has time to settle. Seconds. */
const SETTLE_SECONDS = 3_600;
/** After a move back of the control plane's own that did not last, the next waits so long, then four times that, and so on. Seconds. */
const BACK_OFF_SECONDS = 6 * 3_600;
/** Moves back that are older are forgotten, and none waits longer. */
export const BACK_OFF_DAYS = 14;

/**
 * What is known of the home zone after a look at it. @param trouble what EC2 says against it; undefined: nothing. @param now ISO 8601
 */
export const homeAfter = (
  known: Omit<HomeSeen, 'reason'> | undefined,
  trouble: string | undefined,
  now: string,
): Omit<HomeSeen, 'reason'> => {
  const shunned = known?.shunnedUntil === undefined ? {} : { shunnedUntil: known.shunnedUntil };
  if (trouble !== undefined) return { ...shunned, seenAt: now };
  const lasts = known?.wellSince !== undefined && secondsBetween(known.seenAt, now) <= UNSEEN_SECONDS;
  return { ...shunned, seenAt: now, wellSince: lasts ? known.wellSince : now };
};

/** AWS shifts traffic away from the home zone. @param now ISO 8601 */
export const homeShunned = (now: string): Omit<HomeSeen, 'reason'> => ({ seenAt: now, shunnedUntil: later(now, SHUNNED_SECONDS) });

/**
 * Whether a cluster that a failover has taken elsewhere is to go home now: only as its policy says, when the zone has been well for long enough, while
 * nothing else is under way, and less and less often when it does not last. @param trouble what EC2 says against the home zone. @param now ISO 8601
 */
export const decideFailBack = (cluster: ClusterAway, trouble: string | undefined, now: string): FailBackDecision => {
  const { name, home, policy, seen, moves } = cluster;
  const hold = (reason: string): FailBackDecision => ({ action: 'hold', reason });
  if (policy.policy === 'manual' || !policy.window)
    return hold(`${name} is moved back to ${home} by a person only (placement.failBack.policy)`);
  if (cluster.status !== 'RUNNING' || cluster.desired !== 'RUNNING') return hold(`${name} is ${cluster.status}`);
  if (cluster.zone === home) return hold(`${name} is in its home zone ${home}`);
  if (trouble !== undefined) return hold(`${home} is not well: ${trouble}`);
  const shunnedUntil = latest(seen.shunnedUntil, ...moves.flatMap((move) => shunnedBy(move, home)));
  if (shunnedUntil !== undefined && shunnedUntil > now)
    return hold(`AWS has shifted traffic away from ${home}: not before ${shunnedUntil}`);
  const well = seen.wellSince === undefined ? 0 : Math.floor(secondsBetween(seen.wellSince, now) / 60);
  if (well < policy.healthyMinutes) return hold(`${home} has been well for ${well} min, ${policy.healthyMinutes} are asked for`);
  const settled = moves[0] && later(moves[0].at, SETTLE_SECONDS);
  if (settled !== undefined && settled > now) return hold(`${name} was moved at ${moves[0]?.at} and settles until ${settled}`);
  const wait = backOff(moves, now);
  if (wait !== undefined && wait.until > now)
    return hold(`${name} was moved back ${wait.times} times in ${BACK_OFF_DAYS} days and did not stay: not before ${wait.until}`);
  const { from, until } = policy.window;
  if (!isWithin(policy.window, new Date(now)))
    return hold(`${home} is well again: ${name} goes back in its quiet time, ${from}–${until} UTC`);
  if (cluster.inTheWay !== undefined) return hold(`${home} is well and it is quiet time, but ${cluster.inTheWay}`);
  return { action: 'move', reason: `${home}, its home zone, has been well for ${well} min, and it is quiet time (${from}–${until} UTC)` };
};

const shunnedBy = ({ at, trigger, from }: ClusterAway['moves'][number], home: string): readonly string[] =>
  trigger === 'zone-event' && from === home ? [later(at, SHUNNED_SECONDS)] : [];

const latest = (...instants: readonly (string | undefined)[]): string | undefined =>
  instants
    .filter((instant) => instant !== undefined)
    .toSorted()
    .at(-1);

const backOff = (moves: ClusterAway['moves'], now: string): { readonly times: number; readonly until: string } | undefined => {
  const longest = BACK_OFF_DAYS * 86_400;
  const returns = moves.filter(({ trigger, at }) => trigger === 'failback' && secondsBetween(at, now) <= longest);
  const [last] = returns;
  if (!last) return undefined;
  return { times: returns.length, until: later(last.at, Math.min(longest, BACK_OFF_SECONDS * 4 ** (returns.length - 1))) };
};
