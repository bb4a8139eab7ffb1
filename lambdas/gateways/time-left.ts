/** So that what waits for nobody any more is still said: in the log, the table and the answer. */
const RESERVE_MS = 1_000;

/** When calls of the present invocation have to be over, ms since 1970. A function has one invocation at a time. */
let callsEndAt = Number.POSITIVE_INFINITY;

/**
 * Calls to AWS and Flink that are made from now on are given up in time for the function to end by itself, instead of being killed without a word.
 * @param remainingMs what the invocation has left; undefined: nothing limits it
 */
export const limitCalls = (remainingMs: number | undefined, reserveMs = RESERVE_MS): void => {
  callsEndAt = remainingMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + remainingMs - reserveMs;
};

/** How long a call may take, at most `timeoutMs`. 0: it is not to be made. */
export const timeFor = (timeoutMs: number): number => Math.max(0, Math.min(timeoutMs, Math.floor(callsEndAt - Date.now())));
