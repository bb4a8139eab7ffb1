import { FlinkUnavailable } from '../contracts/errors';
import type { FlinkConnector, FlinkPort } from '../gateways/flink/flink.port';

/** A person waits for the answer: what Flink has not said by then is left out. Milliseconds. */
export const LIVE_LIMIT_MS = 2_000;

export type Live<T> = { readonly live: T } | { readonly live: null; readonly liveReason: string };

/** Asks a JobManager within a time limit. That it does not answer is an answer too. */
export const askLive = async <T>(flink: FlinkConnector, address: string | undefined, ask: (port: FlinkPort) => Promise<Live<T>>): Promise<Live<T>> => {
  if (address === undefined) return { live: null, liveReason: 'The cluster has no JobManager now' };
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Live<T>>((resolve) => {
    timer = setTimeout(() => resolve({ live: null, liveReason: `Flink did not answer within ${LIVE_LIMIT_MS / 1_000} s` }), LIVE_LIMIT_MS);
  });
  try {
    return await Promise.race([ask(flink(address)), tooLate]);
  } catch (error) {
    if (!(error instanceof FlinkUnavailable)) throw error;
    return { live: null, liveReason: `Flink did not answer: ${error.message}` };
  } finally {
    clearTimeout(timer);
  }
};
