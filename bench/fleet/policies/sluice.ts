import {
  type ForecastPoint,
  type PastRescale,
  type ScalingObserved,
  type ScalingSettings,
  type ScalingState,
  scalingObserved,
  scalingSettings,
  type VertexSeen,
} from '../../../lambdas/contracts/scaling';
import { decideScaling } from '../../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../../lambdas/domain/scaling/decision';
import { evaluateJob } from '../../../lambdas/domain/scaling/evaluate';
import { foretell, STRETCH_SECONDS } from '../../../lambdas/domain/scaling/forecast-from';
import { effectNow } from '../../../lambdas/domain/scaling/learning';
import { slotsOf } from '../flink-model';
import type { FleetJob } from '../jobs';
import type { Policy, PolicyContext, PolicyMaker, Seen } from '../policy';

/** A Monday, so that weekends are where the load has them. */
export const EPOCH = Date.parse('2026-03-02T00:00:00.000Z');
const instant = (minute: number): string => new Date(EPOCH + minute * 60_000).toISOString();
const STRETCH_MINUTES = STRETCH_SECONDS / 60;
/** Unless something is close to a limit, the decision is asked for as seldom as this: it would be none, and a month has 43,200 minutes. */
const CALM_MINUTES = 5;
const [SOURCE, WORK] = ['source', 'work'];

/** M of the last N data points; a minute without a figure keeps the state. */
class Alarm {
  private readonly points: boolean[] = [];
  private inAlarm = false;

  constructor(
    private readonly least: number,
    private readonly of: number,
  ) {}

  see(over: boolean | null): boolean {
    if (over === null) return this.inAlarm;
    this.points.push(over);
    if (this.points.length > this.of) this.points.shift();
    this.inAlarm = this.points.filter(Boolean).length >= this.least;
    return this.inAlarm;
  }
}

const alike = (share: number) => ({ mean: share, worst: share });

const template = (job: FleetJob): ScalingObserved =>
  scalingObserved.parse({
    job: {
      cluster: 'fleet',
      job: `job-${job.index}`,
      observedAt: instant(0),
      windowSeconds: 60,
      state: 'RUNNING',
      vertices: [
        {
          id: SOURCE,
          name: SOURCE,
          inputs: [],
          parallelism: 1,
          maxParallelism: job.keyGroups,
          recordsIn: 0,
          recordsOut: 0,
          busy: alike(0),
          backpressured: alike(0),
          idle: alike(0),
          pendingRecords: 0,
          pendingRecordsGrowth: 0,
          partitions: job.partitions,
        },
        {
          id: WORK,
          name: WORK,
          inputs: [{ vertex: SOURCE, ship: 'hash' }],
          parallelism: 1,
          maxParallelism: job.keyGroups,
          recordsIn: 0,
          recordsOut: 0,
          busy: alike(0),
          backpressured: alike(0),
          idle: alike(0),
        },
      ],
      restarts: 0,
      checkpoints: { consecutiveFailures: 0, latestAgeSeconds: 5, durationSeconds: 1 },
      taskManagers: { cpuLoad: 0, gcShare: 0.02, heapAfterGcShare: 0.3 },
    },
    fleet: { slotsFree: 0 },
  });

/**
 * Sluice as it runs: its own decision with its own defaults after each observation, one a minute; what it decides is carried out when an
 * alarm is active, a service level is broken, or the decision is a forecast's or a roll-back. What a rescale gave is measured by its first
 * whole minute.
 */
class Sluice implements Policy {
  private readonly base: ScalingObserved;
  private readonly desired: ScalingSettings;
  private readonly history: PastRescale[] = [];
  private state: ScalingState | undefined;
  private forecast: ForecastPoint[] = [];
  private forecastAt = Number.NEGATIVE_INFINITY;
  private readonly peaks: number[] = [];
  private under: PastRescale | null = null;
  private readonly lag = new Alarm(2, 3);
  private readonly busy = new Alarm(3, 5);
  private readonly idle: Alarm;

  constructor(
    private readonly job: FleetJob,
    most: number,
    changed: Partial<Record<keyof ScalingSettings, unknown>>,
    private readonly foresees: boolean,
  ) {
    this.base = template(job);
    this.desired = scalingSettings.parse({ maxParallelism: most, ...changed, serviceLevels: { maxLagSeconds: job.maxLagSeconds } });
    const window = Math.max(3, Math.ceil(this.desired.scaleInWindowSeconds / 60));
    this.idle = new Alarm(Math.ceil(0.9 * window), window);
  }

  done({ seconds }: { readonly seconds: number }): void {
    if (this.under) this.under.runningAt = new Date(EPOCH + seconds * 1_000).toISOString();
    this.under = null;
  }

  decide(seen: Seen): ReturnType<Policy['decide']> {
    this.remember(seen);
    const lagSeconds = seen.rate > 0 ? seen.pending / seen.rate : seen.pending > 0 ? Number.POSITIVE_INFINITY : 0;
    const whole = seen.whole ? true : null;
    const late = this.lag.see(whole && lagSeconds > this.job.maxLagSeconds);
    const near = this.busy.see(whole && seen.workBusy > this.desired.uMax);
    const idle = this.idle.see(whole && seen.workBusy < this.desired.uMin);
    if (seen.changing || !seen.whole) return null;
    const calm = seen.workBusy < 0.85 && lagSeconds < 5 && !this.state?.outSince && this.history.at(-1)?.measured !== null;
    if (calm && seen.minute % CALM_MINUTES !== 0) return null;
    const observed = this.observed(seen);
    const last = this.history.at(-1);
    if (last && !last.measured)
      last.measured = { ...effectNow(evaluateJob(observed.job, this.desired), observed.job), at: observed.job.observedAt };
    const decision = decideScaling(observed, this.desired, observed.job.observedAt);
    this.state = decision.nextState;
    const alarm = late || near || idle || lagSeconds > this.job.maxLagSeconds;
    return this.carryOut(decision, observed, alarm);
  }

  private carryOut(
    { action, explanation, reason }: ScalingDecision,
    { job }: ScalingObserved,
    alarm: boolean,
  ): ReturnType<Policy['decide']> {
    if (action.kind !== 'rescale' && action.kind !== 'roll-back') return null;
    const foreseen = explanation.some(({ text }) => text.includes('the forecast is'));
    if (action.kind === 'rescale' && !alarm && !foreseen) return null;
    this.under = {
      kind: action.kind,
      at: job.observedAt,
      from: { ...action.from },
      to: { ...action.to },
      before: action.kind === 'rescale' ? action.before : { rates: {}, restarts: job.restarts, checkpointFailures: 0, gcShare: null },
      expected: action.kind === 'rescale' ? action.expected : {},
      measured: null,
    };
    this.history.push(this.under);
    if (this.history.length > 100) this.history.shift();
    return { to: { source: action.to[SOURCE] ?? 1, work: action.to[WORK] ?? 1 }, reason };
  }

  /** The highest rate of each ten minutes, as the observer stores it; a forecast of it every ten minutes. */
  private remember({ minute, rate }: Seen): void {
    const stretch = Math.floor((minute - 1) / STRETCH_MINUTES);
    this.peaks[stretch] = Math.max(this.peaks[stretch] ?? 0, rate);
    if (!this.foresees || minute - this.forecastAt < STRETCH_MINUTES) return;
    this.forecastAt = minute;
    const now = Math.floor(minute / STRETCH_MINUTES);
    // Further than it is looked at, a forecast need not be made here.
    const seconds = Math.max(this.desired.forecastLeadSeconds, this.desired.forecastHoldSeconds);
    const ahead = Math.ceil(seconds / STRETCH_SECONDS) + 2;
    this.forecast = foretell((at) => (at < now ? this.peaks[at] : undefined), now, ahead).flatMap((recordsPerSecond, index) =>
      recordsPerSecond === null ? [] : [{ at: instant((now + index) * STRETCH_MINUTES), recordsPerSecond }],
    );
  }

  private observed(seen: Seen): ScalingObserved {
    const { job: base } = this.base;
    const [source, work] = base.vertices as [VertexSeen, VertexSeen];
    const { rate, parallelism } = seen;
    const slots = seen.hosts * this.job.hostCores * this.job.slotsPerCore;
    return {
      ...this.base,
      job: {
        ...base,
        observedAt: instant(seen.minute),
        vertices: [
          {
            ...source,
            parallelism: parallelism.source,
            recordsIn: rate,
            recordsOut: rate,
            busy: alike(seen.sourceBusy),
            backpressured: alike(seen.sourceBackpressured),
            pendingRecords: seen.pending,
            pendingRecordsGrowth: seen.growth,
          },
          { ...work, parallelism: parallelism.work, recordsIn: rate, busy: { mean: seen.workBusyMean, worst: seen.workBusy } },
        ],
        taskManagers: { ...base.taskManagers, cpuLoad: seen.cpu },
      },
      fleet: { ...this.base.fleet, slotsFree: slots - slotsOf(parallelism) },
      state: this.state ?? this.base.state,
      history: this.history,
      forecast: this.forecast,
    };
  }
}

/** @param changed settings other than the defaults, to try them out */
export const sluice =
  ({
    changed = {},
    forecast = true,
  }: {
    readonly changed?: Partial<Record<keyof ScalingSettings, unknown>>;
    readonly forecast?: boolean;
  } = {}): PolicyMaker =>
  ({ job, most }: PolicyContext) =>
    new Sluice(job, most, changed, forecast);
