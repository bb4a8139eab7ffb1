import { FlinkUnavailable } from '../../contracts/errors';
import type { FlinkConnector, FlinkPort } from '../../gateways/flink/flink.port';

export type Live<T> = { readonly live: T } | { readonly live: null; readonly liveReason: string };

/** Asks a JobManager. That it does not answer (the connector has the time limit) is an answer too. */
export const askLive = async <T>(
  flink: FlinkConnector,
  /** None: the cluster has no JobManager to ask. */
  addresses: readonly string[],
  ask: (port: FlinkPort) => Promise<Live<T>>,
): Promise<Live<T>> => {
  if (addresses.length === 0) return { live: null, liveReason: 'The cluster has no JobManager now' };
  try {
    return await ask(flink(addresses));
  } catch (error) {
    if (!(error instanceof FlinkUnavailable)) throw error;
    return { live: null, liveReason: `Flink did not answer: ${error.message}` };
  }
};
