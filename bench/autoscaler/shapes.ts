import { readFileSync } from 'node:fs';
import { type LoadPoint, parseProfile } from '../../examples/orders-jar/profile';

export interface Shape {
  readonly name: string;
  readonly profile: readonly LoadPoint[];
  /** Seconds into the profile at which the load that has to be followed begins to grow. */
  readonly from: number;
}

/** One subtask of the job does 1000 / MILLIS orders a second. */
export const MILLIS = 10;
/** Orders a second that one subtask keeps up with at 70 % of its time. */
const CALM = 60;

const points = (...pairs: readonly (readonly [number, number])[]): readonly LoadPoint[] =>
  pairs.map(([second, recordsPerSecond]) => ({ second, recordsPerSecond }));

/** The shapes of the comparison: calm first, so that both have seen the job before anything changes. */
const SHAPES: Readonly<Record<string, Shape>> = {
  step: { name: 'step', from: 60, profile: points([0, CALM], [60, CALM], [60, 4 * CALM], [300, 4 * CALM]) },
  ramp: { name: 'ramp', from: 60, profile: points([0, CALM], [60, CALM], [180, 5 * CALM], [300, 5 * CALM]) },
  spike: { name: 'spike', from: 60, profile: points([0, CALM], [60, CALM], [60, 5 * CALM], [120, 5 * CALM], [120, CALM], [360, CALM]) },
  saw: {
    name: 'saw',
    from: 60,
    profile: points(
      [0, CALM],
      [60, CALM],
      ...[60, 150, 240].flatMap((begin) => [[begin, CALM] as const, [begin + 75, 5 * CALM] as const, [begin + 90, CALM] as const]),
      [360, CALM],
    ),
  },
};

/** @throws when there is no shape of that name */
export const shapesOf = (names: string, file: string): readonly Shape[] => {
  if (file !== '') {
    const profile = parseProfile(readFileSync(file, 'utf8'));
    const first = profile[0]?.recordsPerSecond ?? 0;
    return [{ name: file, profile, from: profile.findLast(({ recordsPerSecond }) => recordsPerSecond <= first)?.second ?? 0 }];
  }
  return names.split(',').map((name) => {
    const shape = SHAPES[name];
    if (!shape) throw new Error(`--shapes knows ${Object.keys(SHAPES).join(', ')}; not ${name}`);
    return shape;
  });
};
