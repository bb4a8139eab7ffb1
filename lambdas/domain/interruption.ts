import type { OperationRequest } from '../contracts/operation';
import { later } from './clock';

/** What EC2 says of a host that it will take, or may: two minutes ahead, at an unknown time, or days ahead. */
export type Notice = 'interruption' | 'rebalance' | 'retirement';

/** Whether an operation gives back hosts that nobody needs: it holds no lease, and goes on beside whatever else is under way. */
export const givesBack = ({ request }: { readonly request: OperationRequest }): boolean =>
  request.kind === 'replace-host' && request.notice === 'surplus';

/** From the warning to the end of a Spot instance: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
const INTERRUPTION_SECONDS = 120;

/** When EC2 takes a host, by a notice of the given instant, ISO 8601; undefined when it does not say. */
export const goneAtOf = (notice: Notice, noticedAt: string): string | undefined =>
  notice === 'interruption' ? later(noticedAt, INTERRUPTION_SECONDS) : undefined;

/**
 * A host that is taken at a known time is emptied this long before it, room or not: its TaskManagers leave within a second or two of the next look at the tag, and
 * a job that restarts with fewer slots loses less than one whose host vanishes.
 */
export const LAST_CALL_SECONDS = 20;

/** Whether waiting for room or for a checkpoint has to end. Instants as ISO 8601. @param goneAt undefined: at no known time */
export const isLastCall = (goneAt: string | undefined, now: string): boolean =>
  goneAt !== undefined && Date.parse(now) >= Date.parse(goneAt) - LAST_CALL_SECONDS * 1_000;

/** Whether what is on some TaskManagers has room on the others. */
export const decideRoom = (
  workers: readonly { readonly address: string; readonly slots: number; readonly free: number }[],
  leaving: readonly string[],
): { readonly ready: boolean; readonly reason: string } => {
  const going = workers.filter(({ address }) => leaving.includes(address));
  const occupied = going.reduce((sum, { slots, free }) => sum + slots - free, 0);
  const room = workers.filter((worker) => !going.includes(worker)).reduce((sum, { free }) => sum + free, 0);
  return { ready: room >= occupied, reason: `${room} free slots elsewhere for the ${occupied} that are occupied on the host` };
};
