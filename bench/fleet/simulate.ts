import { busyAt, hostsFor, type Limits, limitsOf, lostBy, type Parallelism, slotsOf } from './flink-model';
import type { FleetJob } from './jobs';
import type { Change, Policy, Seen } from './policy';
import { random } from './random';

/** A rescale waits so long for the next checkpoint, at most `rescale-trigger.max-delay`. Seconds. */
export const WAITED_SECONDS = { least: 1, most: 15 } as const;
/** Age of that checkpoint when the job stops: what was done since is done again. Seconds. */
export const REPLAYED_SECONDS = { least: 0.1, most: 1 } as const;
/** From the decision until hosts are asked for or the parallelism is changed: the workflow's own steps. */
const WORKFLOW_SECONDS = 10;
/** A lost zone is noticed, and replacements are asked for elsewhere, after this time. */
const LOSS_NOTICED_SECONDS = 60;

export interface Totals {
  readonly outsideMinutes: number;
  readonly vcpuHours: number;
  readonly rescales: number;
  readonly hardestLagSeconds: number;
}

/** One minute, for a plot. */
export interface Trace {
  readonly minute: number;
  readonly arriving: number;
  readonly capacity: number;
  readonly slots: number;
  readonly hosts: number;
  readonly lagSeconds: number;
  readonly outside: boolean;
  readonly reason?: string;
}

export interface SimulationProps {
  readonly job: FleetJob;
  readonly seed: number;
  /** Records per second that come in, one a minute. */
  readonly load: Float64Array;
  /** Minutes at the begin that are simulated and not counted. */
  readonly warmUp: number;
  readonly start: Parallelism;
  readonly policy: Policy;
  /** The minute in which the job's zone is lost; absent: never. */
  readonly zoneLostAt?: number;
  readonly trace?: (minute: Trace) => void;
}

/** Every record that came in was processed or waits: what a run ends with, so that this can be checked. */
export interface Account {
  readonly arrived: number;
  readonly processed: number;
  /** Processed a second time, because a restart went back to a checkpoint. */
  readonly again: number;
  readonly pending: number;
}

interface Under {
  readonly change: Change;
  readonly hosts: number;
  /** Second at which the job stops for it, and at which it processes again. */
  readonly stopAt: number;
  readonly runAt: number;
}

/**
 * Runs one job under one policy, minute by minute; within a minute from event to event: the job stops, and runs again. Whole hosts are paid
 * for from the moment they are asked for.
 */
export const simulate = ({ job, seed, load, warmUp, start, policy, zoneLostAt, trace }: SimulationProps): Totals & Account => {
  // Each job's luck is its own, whatever was drawn for others or under another policy.
  const draw = random(seed, job.index, 4);
  let parallelism = start;
  let hosts = hostsFor(job, slotsOf(start));
  let paidHosts = hosts;
  let limits: Limits = limitsOf(job, parallelism, hosts * job.hostCores);
  let [pending, arrived, processed, again] = [0, 0, 0, 0];
  let downUntil = 0;
  let under = null as Under | null;
  let [outsideMinutes, hostMinutes, rescales, hardestLagSeconds] = [0, 0, 0, 0];
  let doneNow = 0;

  /** Lets time pass with the job running or not; what is processed is added up. */
  const pass = (seconds: number, arriving: number, running: boolean): void => {
    arrived += arriving * seconds;
    const can = running ? limits.capacity * seconds : 0;
    const done = Math.min(pending + arriving * seconds, can);
    // The difference of two like numbers is not always nought.
    pending = Math.max(0, pending + arriving * seconds - done);
    processed += done;
    doneNow += done;
  };

  const begin = (change: Change, now: number): void => {
    const wanted = change.hosts ?? hostsFor(job, slotsOf(change.to));
    const more = wanted > hosts;
    const ready = now + WORKFLOW_SECONDS + (more ? job.bootSeconds : 0);
    const stopAt = ready + draw.between(WAITED_SECONDS.least, Math.min(WAITED_SECONDS.most, job.checkpointSeconds));
    under = { change, hosts: wanted, stopAt, runAt: stopAt + job.restartSeconds * draw.between(0.8, 1.3) };
    if (more) paidHosts = wanted;
  };

  for (let minute = 0; minute < load.length; minute += 1) {
    const arriving = load[minute] ?? 0;
    const [from, to] = [minute * 60, minute * 60 + 60];
    const before = pending;
    let mostPending = 0;
    doneNow = 0;
    let upSeconds = 0;
    if (minute === zoneLostAt) {
      // What was done since the last checkpoint is lost with the hosts, and so is a change that was under way.
      const replay = Math.min(processed, (Math.min(arriving, limits.capacity) * job.checkpointSeconds) / 2);
      pending += replay;
      again += replay;
      downUntil = from + LOSS_NOTICED_SECONDS + job.bootSeconds + 1.5 * job.restartSeconds;
      if (under) paidHosts = hosts;
      under = null;
    }
    let time = from;
    while (time < to) {
      const event = under;
      const next = event ? (time < event.stopAt ? event.stopAt : event.runAt) : Number.POSITIVE_INFINITY;
      const running = time >= downUntil && !(event && time >= event.stopAt);
      const until = Math.min(to, next, time < downUntil ? downUntil : Number.POSITIVE_INFINITY);
      pass(until - time, arriving, running);
      if (running) upSeconds += until - time;
      mostPending = Math.max(mostPending, pending);
      time = until;
      if (event && time === event.stopAt && time < event.runAt) {
        // The rescale was triggered by a checkpoint that had just completed: little is done twice.
        const replay = lostBy(Math.min(arriving, limits.capacity), 0, draw.between(REPLAYED_SECONDS.least, REPLAYED_SECONDS.most));
        pending += replay;
        again += replay;
      } else if (event && time === event.runAt) {
        parallelism = event.change.to;
        hosts = event.hosts;
        paidHosts = hosts;
        limits = limitsOf(job, parallelism, hosts * job.hostCores);
        under = null;
        policy.done?.({ seconds: time });
      }
    }
    mostPending = Math.max(mostPending, pending);
    const lagSeconds = arriving > 0 ? mostPending / arriving : 0;
    const outside = lagSeconds > job.maxLagSeconds;
    const counted = minute >= warmUp;
    if (counted) {
      if (outside) outsideMinutes += 1;
      hostMinutes += Math.max(hosts, paidHosts);
      hardestLagSeconds = Math.max(hardestLagSeconds, lagSeconds);
    }
    const rate = doneNow / 60;
    const busy = upSeconds > 0 ? busyAt(job, parallelism, limits, doneNow / upSeconds) : { source: 0, work: 0, workMean: 0, cpu: 0 };
    const saturated = pending > 0.5 * arriving;
    const share = upSeconds / 60;
    const seen: Seen = {
      minute: minute + 1,
      parallelism,
      hosts,
      arriving,
      rate,
      pending,
      growth: (pending - before) / 60,
      sourceBusy: busy.source * share,
      workBusy: busy.work * share,
      workBusyMean: busy.workMean * share,
      sourceBackpressured: saturated ? share * Math.max(0, 1 - busy.source - 0.05) : 0,
      cpu: busy.cpu * share,
      whole: upSeconds === 60,
      changing: under !== null || downUntil > to,
    };
    const change = policy.decide(seen);
    let reason: string | undefined;
    if (change && under === null && downUntil <= to) {
      begin(change, to);
      reason = change.reason ?? '';
      if (counted) rescales += 1;
    }
    trace?.({
      minute,
      arriving,
      capacity: upSeconds > 0 ? limits.capacity : 0,
      slots: slotsOf(parallelism),
      hosts: Math.max(hosts, paidHosts),
      lagSeconds,
      outside,
      ...(reason === undefined ? {} : { reason }),
    });
  }
  return {
    outsideMinutes,
    vcpuHours: (hostMinutes * job.hostCores) / 60,
    rescales,
    hardestLagSeconds,
    arrived,
    processed,
    again,
    pending,
  };
};
