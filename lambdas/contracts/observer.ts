import * as z from 'zod';
import { resourceName } from './names';

/** Intervals divide a minute: a machine that is started every minute makes so many passes. Seconds. */
export const observationInterval = z.union(
  [10, 12, 15, 20, 30, 60].map((seconds) => z.literal(seconds)) as [z.ZodLiteral<10>, ...z.ZodLiteral<number>[]],
  {
    error: 'must be 10, 12, 15, 20, 30 or 60 seconds',
  },
);

/** Input of a pass over one cluster. */
export const passInput = z.object({ cluster: resourceName });

/** A cluster to observe, and how often within the minute of one execution. */
export interface ObservedCluster {
  readonly cluster: string;
  readonly everySeconds: number;
  readonly passes: number;
}

/** Clusters that are observed side by side: as many as one inline Map has under way at a time. */
export interface ObservedGroup {
  /** So much later than the first group it begins: the stage's passes do not all take a function at the same moment. */
  readonly afterSeconds: number;
  readonly clusters: readonly ObservedCluster[];
}

/** A job for which a decision has to be made, and what asks for it: input of `consider-scaling`. */
export interface ToConsider {
  readonly cluster: string;
  readonly job: string;
  readonly trigger: string;
}

export interface PassMade {
  readonly cluster: string;
  readonly consider: readonly ToConsider[];
  /** Something has been wrong with the cluster for so long that `consider-failover` has to look at its hosts. */
  readonly considerFailover: boolean;
  /** There is no job to be observed: the next minute's first pass is soon enough. */
  readonly idle: boolean;
  readonly reason: string;
}
