import type { Cluster, Reserve } from '../contracts/cluster';
import { growingPause, later } from './clock';
import { isThere } from './reserve';

export type ReserveDecision =
  | {
      readonly action: 'make' | 'resize' | 'take-away';
      readonly zone: string;
      readonly hosts: number;
      readonly reason: string;
      /** Nothing is wrong with it: the settings of its cluster want it no more. */
      readonly unwanted?: boolean;
    }
  | { readonly action: 'none' | 'hold'; readonly reason: string };

export interface ReserveFacts {
  /** TaskManager hosts that the jobs of the cluster need. */
  readonly hosts: number;
  /** The zone that a reserve would be made in now: the next that the placement allows, rather one that is well. undefined: there is none. */
  readonly zone: string | undefined;
  /** Zones that are not well, with what is said of them. */
  readonly troubled: Readonly<Record<string, string>>;
  /** Zones besides its own that TaskManagers of a spread cluster's reserve may be in. @default - none */
  readonly spreadOver?: readonly string[];
  /** The operation that works on the reserve, while it has not ended. */
  readonly underWay?: string | undefined;
  /** TaskManager hosts of a reserve that is ready: those that run, those that its group is to have, and why no more come. */
  readonly seen?: { readonly running: number; readonly wanted: number; readonly problem?: string | undefined } | undefined;
}

/** After the first reserve that came to nothing the next is tried so soon, then each time after twice as long. Minutes. */
const FIRST_PAUSE_MINUTES = 1;
/** A zone without capacity may have some again at any time, and a cluster without its reserve still moves, only colder. Minutes. */
const LONGEST_PAUSE_MINUTES = 30;

type Subject = Pick<Cluster, 'name' | 'spec' | 'status' | 'desired' | 'fault' | 'reserve'>;
type TakeAway = (reason: string) => Extract<ReserveDecision, { readonly zone: string }>;

/** What is to become of the hosts that stand by for a move of a cluster. @param now ISO 8601 */
export const decideReserve = (cluster: Subject, facts: ReserveFacts, now: string): ReserveDecision => {
  const { name, spec, status, desired, reserve } = cluster;
  if (status !== 'RUNNING' || desired !== 'RUNNING') return { action: 'none', reason: `${name} is ${status}` };
  const warm = spec.placement.failover.capacity === 'warm';
  if (!warm && !isThere(reserve)) return { action: 'none', reason: `${name} moves to hosts that boot then` };
  if (facts.underWay !== undefined) return { action: 'hold', reason: `${facts.underWay} works on the reserve of ${name}` };
  if (!isThere(reserve)) return decideNew(cluster, facts, now);
  const takeAway: TakeAway = (reason) => ({ action: 'take-away', zone: reserve.zone, hosts: 0, reason });
  if (!warm) return { ...takeAway(`${name} is to have no reserve`), unwanted: true };
  switch (reserve.status) {
    case 'making':
      return takeAway('what made it has ended before it was complete');
    case 'leaving':
      return takeAway('it was not taken away to the end');
    default:
      return decideReady(cluster, reserve, facts, takeAway);
  }
};

const hostsOf = (count: number): string => `${count} TaskManager host${count === 1 ? '' : 's'}`;

const decideNew = ({ name, reserve }: Subject, { hosts, zone }: ReserveFacts, now: string): ReserveDecision => {
  const { failures = 0, since = now, reason = '' } = reserve ?? {};
  const pause = failures === 0 ? 0 : growingPause(FIRST_PAUSE_MINUTES, failures - 1, LONGEST_PAUSE_MINUTES);
  const next = later(since, pause * 60);
  if (now < next)
    return { action: 'hold', reason: `the next reserve of ${name} is tried at ${next}, after ${failures} that came to nothing: ${reason}` };
  if (zone === undefined) return { action: 'hold', reason: `there is no zone for a reserve of ${name}` };
  return { action: 'make', zone, hosts, reason: `${name} is to have ${hostsOf(hosts)} standing by, and has none` };
};

const decideReady = (
  { name, fault, spec }: Subject,
  reserve: Reserve,
  { hosts, zone, troubled, spreadOver = [], seen }: ReserveFacts,
  takeAway: TakeAway,
): ReserveDecision => {
  // It may be needed any moment.
  if (fault) return { action: 'hold', reason: `${name} has had a fault since ${fault.since}: its reserve stays as it is` };
  const allowed = spec.placement.failover.zones;
  if (allowed && !allowed.includes(reserve.zone))
    return { ...takeAway(`${name} is not to move to ${reserve.zone} any more`), unwanted: true };
  const elsewhere = zone !== undefined && zone !== reserve.zone;
  const trouble = troubled[reserve.zone];
  if (trouble !== undefined && elsewhere && troubled[zone] === undefined) return takeAway(`its zone is not well: ${trouble}`);
  // No move would take it over: its hosts in that zone may be lost next.
  const ill = spreadOver.find((one) => troubled[one] !== undefined);
  if (ill !== undefined) return { ...takeAway(`TaskManagers of it may be in ${ill}, which is not well: ${troubled[ill]}`), unwanted: true };
  if (seen?.problem !== undefined && seen.running < reserve.hosts && elsewhere)
    return takeAway(`${seen.running} of its ${hostsOf(reserve.hosts)} run, and no more can be launched: ${seen.problem}`);
  if (hosts !== reserve.hosts)
    return {
      action: 'resize',
      zone: reserve.zone,
      hosts,
      reason: `the jobs of ${name} need ${hostsOf(hosts)}, and ${reserve.hosts} stand by`,
    };
  if (seen !== undefined && seen.wanted < reserve.hosts)
    return {
      action: 'resize',
      zone: reserve.zone,
      hosts,
      reason: `the reserve of ${name} is to have ${hostsOf(hosts)}, and its group wants ${seen.wanted}`,
    };
  return { action: 'none', reason: `${hostsOf(reserve.hosts)} of ${name} stand by in ${reserve.zone}` };
};
