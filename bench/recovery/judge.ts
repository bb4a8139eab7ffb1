import { type Busyness, describeBusyness } from '../machine';
import { type Aim, table } from '../report';
import { percentile } from '../statistics';
import type { Case, Fault, Measured } from './scene';
import { isOwn } from './variants';

/** All faults of one case. */
export interface Series extends Case {
  readonly measured: readonly Measured[];
  readonly machine: Busyness;
  /** Why there are not more. */
  readonly problem?: string;
}

type Phase = Exclude<keyof Measured, 'wrong' | 'stateless' | 'attempts'>;

/** To the ms. `-` where there is no such phase. */
const at = (series: Series, phase: Phase, share: number): number | undefined => {
  const values = series.measured.flatMap((run) => run[phase] ?? []).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? undefined : Math.round(percentile(values, share));
};

const lostOrDoubled = (all: readonly Series[]): number =>
  all.reduce((sum, { measured }) => sum + Math.max(0, ...measured.map(({ wrong, stateless }) => wrong + stateless)), 0);

/** Of the first record, ms: half of the faults, and where there is a second limit, 95 in 100. */
const LIMITS: Readonly<Record<Fault, readonly number[]>> = {
  taskmanager: [1_000, 2_000],
  vanished: [3_000],
  jobmanager: [5_000],
};
const LIMITS_WITH_STANDBY = [3_000];
const NAMES: Readonly<Record<Fault, string>> = {
  taskmanager: 'TaskManager killed',
  vanished: 'TaskManager vanished',
  jobmanager: 'JobManager killed',
};

export const aimsOf = (all: readonly Series[]): readonly Aim[] => {
  const own = all.filter(({ variant, localRecovery, measured }) => isOwn(variant) && localRecovery && measured.length > 0);
  const aims = own.flatMap((series) =>
    (series.variant === 'standby' ? LIMITS_WITH_STANDBY : LIMITS[series.fault]).map((limit, index): Aim => {
      const [label, share] = index === 0 ? (['p50', 0.5] as const) : (['p95', 0.95] as const);
      const measured = at(series, 'firstRecord', share) ?? Number.POSITIVE_INFINITY;
      const name = `${NAMES[series.fault]}${series.variant === 'standby' ? ', warm stand-by' : ''}, ${series.stateMB} MB: first record, ${label}`;
      const note = `${series.measured.length} faults, ${describeBusyness(series.machine)}`;
      return { name, aim: `under ${limit} ms`, measured, met: measured < limit, note };
    }),
  );
  const wrong = lostOrDoubled(all.filter(({ variant }) => isOwn(variant)));
  const broken = all.filter(({ problem, variant }) => problem !== undefined && isOwn(variant));
  return [
    ...aims,
    { name: 'Records lost or counted twice', aim: '0', measured: wrong, met: wrong === 0 && own.length > 0 },
    { name: 'Cases that were not measured to their end', aim: '0', measured: broken.length, met: broken.length === 0 },
    ...ratiosOf(all),
  ];
};

/** How many times longer than here. An aim of its own is not set: what is asked for is the number. */
const ratiosOf = (all: readonly Series[]): readonly Aim[] =>
  all.flatMap((peer) => {
    const own = all.find(
      ({ fault, stateMB, variant, localRecovery }) =>
        variant === 'sluice' && localRecovery && fault === peer.fault && stateMB === peer.stateMB,
    );
    const [theirs, ours] = [at(peer, 'firstRecord', 0.5), own && at(own, 'firstRecord', 0.5)];
    if (isOwn(peer.variant) || theirs === undefined || ours === undefined) return [];
    const measured = Number((theirs / ours).toFixed(1));
    return [{ name: `${NAMES[peer.fault]}: times longer with ${WHO[peer.variant]}`, aim: 'more than 1', measured, met: measured > 1 }];
  });
const WHO = { plain: "Flink's defaults", operator: "the operator's defaults" } as const;

const PHASES: readonly (readonly [title: string, phase: Phase])[] = [
  ['detected', 'detected'],
  ['REST', 'answers'],
  ['restored', 'restored'],
  ['first record', 'firstRecord'],
  ['all subtasks', 'allSubtasks'],
  ['checkpoint', 'checkpoint'],
];

export const tablesOf = (all: readonly Series[]): string =>
  table(
    'After the fault, ms: p50 / p95',
    ['', 'faults', ...PHASES.map(([title]) => title), 'most starts', 'lost or doubled', 'load', 'stolen %'],
    all.map((series) => [
      `${NAMES[series.fault]}, ${series.variant}, ${series.stateMB} MB${series.localRecovery ? '' : ', not local'}`,
      series.measured.length,
      ...PHASES.map(([, phase]) => `${at(series, phase, 0.5) ?? '-'} / ${at(series, phase, 0.95) ?? '-'}`),
      Math.max(0, ...series.measured.map(({ attempts }) => attempts)),
      lostOrDoubled([series]),
      series.machine.load,
      series.machine.stolenPercent,
    ]),
  );
