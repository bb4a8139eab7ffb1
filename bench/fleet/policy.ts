import type { Parallelism } from './flink-model';
import type { FleetJob } from './jobs';

/** A minute of a job as its metrics show it. */
export interface Seen {
  /** Minutes since the begin of the simulation, at the end of the minute. */
  readonly minute: number;
  readonly parallelism: Parallelism;
  readonly hosts: number;
  /** Records per second that came in, and that were processed. */
  readonly arriving: number;
  readonly rate: number;
  /** Records that wait at the end of the minute, and growth in records per second. */
  readonly pending: number;
  readonly growth: number;
  /** Shares of time, 0 to 1. */
  readonly sourceBusy: number;
  readonly workBusy: number;
  readonly workBusyMean: number;
  readonly sourceBackpressured: number;
  readonly cpu: number;
  /** The job ran all of the minute. */
  readonly whole: boolean;
  /** A change is under way. */
  readonly changing: boolean;
}

export interface Change {
  readonly to: Parallelism;
  /** Hosts to have afterwards. @default as many as the slots need */
  readonly hosts?: number;
  /** What it follows from, for a person who looks at a run. */
  readonly reason?: string;
}

/** Decides after each minute. Made anew for each job; it knows of the job what somebody who runs it would know. */
export interface Policy {
  decide(seen: Seen): Change | null;
  /** The change is done and the job processes again. */
  done?(seen: { readonly seconds: number }): void;
}

export interface PolicyContext {
  readonly job: FleetJob;
  /** Rates of the week before the measured time, one a minute. */
  readonly weekBefore: Float64Array;
  /** Largest parallelism of any policy. */
  readonly most: number;
}

export type PolicyMaker = (context: PolicyContext) => Policy;
