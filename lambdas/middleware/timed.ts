import { limitCalls } from '../gateways/time-left';

/** What is used of the context of an invocation. Nothing in tests. */
export interface Invocation {
  readonly getRemainingTimeInMillis?: () => number;
}

/** What is still said, when nothing else is done any more, has nearly all of the time that is left. */
const LAST_WORDS_RESERVE_MS = 100;

/** Calls are given up before the invocation's time is over. */
export const limitToTime = (context: Invocation | undefined): void => limitCalls(context?.getRemainingTimeInMillis?.());

/** The work is done, or given up: what is recorded of it may use what the work was not to. */
export const limitLastWords = (context: Invocation | undefined): void =>
  limitCalls(context?.getRemainingTimeInMillis?.(), LAST_WORDS_RESERVE_MS);

/** Around a handler that has no other middleware. */
export const timed =
  <E, R>(handler: (event: E) => Promise<R>) =>
  (event: E, context?: Invocation): Promise<R> => {
    limitToTime(context);
    return handler(event);
  };
