import type { ShiftedZone } from '../contracts/events';
import type { Operation } from '../contracts/operation';
import { later } from './clock';
import { SHUNNED_SECONDS } from './decide-fail-back';

/** A launch that was asked for so long after an event came to be known may have looked before it was. Seconds. */
const UNHEARD_SECONDS = 10;

/** Whether a zone is to be kept away from: the event that ends a shift is best effort, so time ends it too. @param now ISO 8601 */
export const isShifted = ({ over, heardAt }: ShiftedZone, now: string): boolean => !over && later(heardAt, SHUNNED_SECONDS) > now;

/** Whether an operation has brought a cluster to where it is, or came to nothing on the way. */
export const isArrival = ({ request }: Operation): boolean =>
  request.kind === 'launch-cluster' || (request.kind === 'fail-over-cluster' && !request.cleansOnly);

/** Whether an arrival in a zone was under way when AWS shifted traffic away from it: the event found nothing that could be moved, and who had asked did not know. */
export const wasOnItsWay = ({ request, requestedAt, endedAt }: Operation, { zone, heardAt }: ShiftedZone): boolean => {
  if (endedAt !== undefined && endedAt < heardAt) return false;
  return request.kind === 'fail-over-cluster' ? !request.avoid?.includes(zone) : requestedAt <= later(heardAt, UNHEARD_SECONDS);
};
