import { readFileSync } from 'node:fs';
import { type LoadPoint, parseProfile } from '../../examples/orders-jar/profile';

export interface Shape {
  readonly name: string;
  readonly profile: readonly LoadPoint[];
  /** Seconds into the profile at which the load that has to be followed begins to grow. */
  readonly from: number;
}

/** What an order takes. */
export const MILLIS = 10;
/** Orders a second that one subtask of the job does at most. */
export const SUBTASK_RATE = 1_000 / MILLIS;
/** Orders a second that one subtask keeps up with at 70 % of its time. */
const CALM = 60;

const points = (...pairs: readonly (readonly [number, number])[]): readonly LoadPoint[] =>
  pairs.map(([second, recordsPerSecond]) => ({ second, recordsPerSecond }));

/** A start looks like load to both, and Apache's gives back what it took for it only after its scale-down interval: this long they have to settle. */
const SETTLE = 150;
const after = (...pairs: readonly (readonly [number, number])[]): readonly LoadPoint[] =>
  points([0, CALM], [SETTLE, CALM], ...pairs.map(([second, rate]) => [SETTLE + second, rate] as const));

/** The shapes of the comparison. */
const SHAPES: Readonly<Record<string, Shape>> = {
  step: { name: 'step', from: SETTLE, profile: after([0, 4 * CALM], [240, 4 * CALM]) },
  ramp: { name: 'ramp', from: SETTLE, profile: after([120, 5 * CALM], [240, 5 * CALM]) },
  spike: { name: 'spike', from: SETTLE, profile: after([0, 5 * CALM], [60, 5 * CALM], [60, CALM], [300, CALM]) },
  saw: {
    name: 'saw',
    from: SETTLE,
    profile: after(
      ...[0, 90, 180].flatMap((begin) => [[begin, CALM] as const, [begin + 75, 5 * CALM] as const, [begin + 90, CALM] as const]),
      [300, CALM],
    ),
  },
};

/** @throws when there is no shape of that name */
export const shapesOf = (names: string, file: string): readonly Shape[] => {
  if (file !== '') {
    const profile = parseProfile(readFileSync(file, 'utf8'));
    const grows = profile.find(({ recordsPerSecond }, index) => (profile[index + 1]?.recordsPerSecond ?? 0) > recordsPerSecond);
    return [{ name: file, profile, from: grows?.second ?? 0 }];
  }
  return names.split(',').map((name) => {
    const shape = SHAPES[name];
    if (!shape) throw new Error(`--shapes knows ${Object.keys(SHAPES).join(', ')}; not ${name}`);
    return shape;
  });
};
