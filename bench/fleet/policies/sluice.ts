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
import { alarmsFor, type JobAlarm } from '../../../lambdas/domain/alarms';
import { jobFigures } from '../../../lambdas/domain/observation/figures';
import { effectDue, whyConsider } from '../../../lambdas/domain/observation/what-follows';
import { decideScaling } from '../../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../../lambdas/domain/scaling/decision';
import { foretell, STRETCH_SECONDS } from '../../../lambdas/domain/scaling/forecast-from';
import { slotsOf } from '../flink-model';
import type { FleetJob } from '../jobs';
import type { Policy, PolicyContext, PolicyMaker, Seen } from '../policy';

/** A Monday, so that weekends are where the load has them. */
export const EPOCH = Date.parse('2026-03-02T00:00:00.000Z');
const instant = (minute: number): string => new Date(EPOCH + minute * 60_000).toISOString();
const STRETCH_MINUTES = STRETCH_SECONDS / 60;
/** With nothing near a limit a decision would be none: it is asked for as seldom as this, for a month has 43,200 minutes. Alarms see each of them. */
const CALM_MINUTES = 5;
const [SOURCE, WORK] = ['source', 'work'];

/** An alarm as CloudWatch evaluates it, a data point a minute: M of the last N that there are. A minute without a figure keeps its state, or ends it. */
class Alarm {
  private readonly points: boolean[] = [];
  private missing = 0;
  state: 'OK' | 'ALARM' = 'OK';

  constructor(readonly settings: JobAlarm) {}

  see(value: number | undefined): void {
    const { comparison, missingData, periods, pointsToAlarm, threshold } = this.settings;
    this.missing = value === undefined ? this.missing + 1 : 0;
    if (value === undefined) {
      if (missingData !== 'ignore' && this.missing >= periods) this.state = 'OK';
      return;
    }
    this.points.push(comparison === 'above' ? value > threshold : value < threshold);
    if (this.points.length > periods) this.points.shift();
    this.state = this.points.filter(Boolean).length >= pointsToAlarm ? 'ALARM' : 'OK';
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
 * Sluice as it runs: a pass a minute with its own decision and defaults, its own alarms (`alarmsFor`) on the figures that a pass publishes, and its
 * own rule for when a decision is carried out (`whyConsider`).
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
  private readonly alarms: readonly Alarm[];

  constructor(
    job: FleetJob,
    most: number,
    changed: Partial<Record<keyof ScalingSettings, unknown>>,
    private readonly foresees: boolean,
  ) {
    this.base = template(job);
    this.slotsPerHost = job.hostCores * job.slotsPerCore;
    this.desired = scalingSettings.parse({ maxParallelism: most, ...changed, serviceLevels: { maxLagSeconds: job.maxLagSeconds } });
    const scaling = { enabled: true, priority: 0 };
    this.alarms = alarmsFor({ scaling, settings: this.desired, observedEverySeconds: 60, runbook: '' }).map((one) => new Alarm(one));
  }

  private readonly slotsPerHost: number;

  done({ seconds }: { readonly seconds: number }): void {
    if (this.under) this.under.runningAt = new Date(EPOCH + seconds * 1_000).toISOString();
    this.under = null;
  }

  decide(seen: Seen): ReturnType<Policy['decide']> {
    this.remember(seen);
    const observed = this.observed(seen);
    const { job } = observed;
    const figures = jobFigures({ observation: job, skew: null, checkpointSizeBytes: null, checkpointFailures: 0 });
    const values: Readonly<Partial<Record<JobAlarm['metric'], number>>> = figures.values;
    for (const alarm of this.alarms) alarm.see(values[alarm.settings.metric]);
    if (seen.minute % CALM_MINUTES !== 0 && this.isCalm(seen)) return null;
    const decision = decideScaling(observed, this.desired, job.observedAt);
    this.state = decision.nextState;
    const last = this.history.at(-1);
    const measured = effectDue(last, job, this.desired);
    if (last && measured) last.measured = { ...measured, at: job.observedAt };
    if (seen.changing) return null;
    const why = whyConsider(decision, Object.fromEntries(this.alarms.map(({ settings: { kind }, state }) => [kind, { state }])));
    return why === null ? null : this.carryOut(decision);
  }

  private isCalm({ workBusy, pending, rate, whole }: Seen): boolean {
    const measured = this.history.length === 0 || this.history.at(-1)?.measured !== null;
    return whole && workBusy < 0.85 && pending < 5 * rate && !this.state?.outSince && measured;
  }

  private carryOut({ action, inputs, reason }: ScalingDecision): ReturnType<Policy['decide']> {
    if (action.kind !== 'rescale' && action.kind !== 'roll-back') return null;
    const { job } = inputs.observed;
    this.under = {
      kind: action.kind,
      at: job.observedAt,
      from: { ...action.from },
      to: { ...action.to },
      ...(action.kind === 'rescale' && action.urgent ? { urgent: action.urgent } : {}),
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
    const slots = seen.hosts * this.slotsPerHost;
    return {
      ...this.base,
      job: {
        ...base,
        observedAt: instant(seen.minute),
        incomplete: !seen.whole,
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
