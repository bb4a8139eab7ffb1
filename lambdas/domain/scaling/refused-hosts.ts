import type { Operation } from '../../contracts/operation';
import type { FleetObservation } from '../../contracts/scaling';
import { growingPause, later } from '../clock';

/** Hosts that were not to be had may be there a minute later; what lasts longer lasts for hours, and each attempt is an operation that somebody reads. Seconds. */
const FIRST_PAUSE_SECONDS = 60;
const LONGEST_PAUSE_SECONDS = 1_800;
/** What is older tells nothing of what there is now; a row that has come to the longest pause is seen whole. Seconds. */
export const REMEMBERED_SECONDS = 6 * 3_600;
/** A job that needs so many times the slots that it did not get does not wait for the pause to end. */
const MUCH_MORE = 1.5;

/** An attempt to get hosts for a job of the cluster, as it ended. */
interface Attempt {
  readonly endedAt: string;
  /** Slots that the job was to have. */
  readonly slots: number;
  /** Why no hosts came, for a person, also where the job got what was free; absent: they came. */
  readonly refused?: string;
}

/**
 * Why the hosts for a job are not asked for now: the pause after attempts in a row that brought none doubles with each. The row ends where hosts came to any
 * job of the cluster (not where one got what was free), where the cluster was moved, and where much more was wanted. undefined: they may be asked for.
 * @param operations of the cluster, the newest first
 * @param now ISO 8601
 */
export const refusedHosts = (operations: readonly Operation[], job: string, now: string): FleetObservation['refused'] => {
  const attempts = operations.flatMap((operation) => attemptOf(operation, job));
  const end = attempts.findIndex(
    ({ refused, slots }, index) => refused === undefined || isMuchMore(attempts[index - 1]?.slots ?? 0, slots),
  );
  const row = attempts.slice(0, end === -1 ? undefined : end);
  const [last] = row;
  if (last?.refused === undefined) return undefined;
  const until = later(last.endedAt, growingPause(FIRST_PAUSE_SECONDS, row.length - 1, LONGEST_PAUSE_SECONDS));
  return until > now ? { times: row.length, slots: last.slots, until, says: last.refused } : undefined;
};

export const isMuchMore = (slots: number, refused: number): boolean => slots >= MUCH_MORE * refused;

const attemptOf = (operation: Operation, job: string): readonly Attempt[] => {
  const { request, status, endedAt, phases, error, reason, job: of } = operation;
  if (endedAt === undefined) return [];
  // Its hosts are in another zone since.
  if (request.kind === 'fail-over-cluster') return status === 'SUCCEEDED' ? [{ endedAt, slots: 0 }] : [];
  if (request.kind !== 'scale-job' || request.slots.provide === 0) return [];
  const attempt = { endedAt, slots: request.slots.after };
  const changed = phases.some(({ name, outcome }) => name === 'Change parallelism' && outcome === 'ok');
  if (changed && broughtHosts(operation, request.slots)) return [attempt];
  if ((!changed && error?.name !== 'InsufficientCapacity') || of !== job) return [];
  // What EC2 said comes first; that the slots did not do follows from it.
  return [
    { ...attempt, refused: phases.find(({ name, outcome }) => name === 'Look at the hosts' && outcome === 'failed')?.reason ?? reason },
  ];
};

type SlotsAsked = Extract<Operation['request'], { kind: 'scale-job' }>['slots'];

/** All slots came, or the job has more than it would have had of those that were free. */
const broughtHosts = ({ phases, result }: Operation, { after, provide, spare }: SlotsAsked): boolean =>
  phases.some(({ name, outcome }) => name === 'Look for slots' && outcome === 'ok') || (result?.slots ?? 0) > after + spare - provide;
