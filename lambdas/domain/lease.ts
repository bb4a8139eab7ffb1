import { later } from './clock';

/**
 * Seconds after an operation's deadline in which its workflow takes away what it made. The operation keeps its lease so long,
 * and the sweeper leaves it alone so long: fleets were seen to need up to five minutes to go, this is three times that.
 */
export const CLEANING_SECONDS = 900;

/** Instant until which an operation holds what it changes. @param deadline ISO 8601 */
export const leaseUntil = (deadline: string): string => later(deadline, CLEANING_SECONDS);
