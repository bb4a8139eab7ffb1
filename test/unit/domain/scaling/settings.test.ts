import * as fc from 'fast-check';
import { jobScaling, type ScalingSettings, scalingSettings } from '../../../../lambdas/contracts/scaling';
import { settingsOf } from '../../../../lambdas/domain/scaling/settings';

type Band = Partial<Pick<ScalingSettings, 'targetUtilization' | 'uMin' | 'uMax'>>;

describe('the band of utilization', () => {
  test.each<[given: Band, ...band: readonly [number, number, number]]>([
    [{}, 0.65, 0.82, 0.97],
    // Stored when the target was 0.7 between 0.5 and 0.9.
    [{ uMax: 0.9 }, 0.609, 0.761, 0.9],
    [{ uMax: 0.8 }, 0.541, 0.676, 0.8],
    [{ uMin: 0.6 }, 0.6, 0.82, 0.97],
    [{ uMin: 0.5, uMax: 0.9 }, 0.5, 0.761, 0.9],
    [{ targetUtilization: 0.6 }, 0.48, 0.6, 0.933],
    [{ targetUtilization: 0.99 }, 0.65, 0.99, 0.998],
    [{ targetUtilization: 0.9, uMax: 0.95 }, 0.65, 0.9, 0.95],
    [{ targetUtilization: 0.5, uMin: 0.2 }, 0.2, 0.5, 0.917],
    [{ targetUtilization: 0.007 }, 0.006, 0.007, 0.834],
    [{ targetUtilization: 0.0007 }, 0.0007, 0.0007, 0.833],
    [{ uMin: 0.9 }, 0.9, 0.935, 0.97],
    [{ uMin: 0.99 }, 0.99, 0.995, 1],
    [{ uMin: 0.7, uMax: 0.75 }, 0.7, 0.725, 0.75],
    [{ uMin: 0 }, 0, 0.82, 0.97],
    [{ uMax: 1 }, 0.65, 0.82, 1],
  ])('of %j goes from %d over %d to %d', (given, uMin, targetUtilization, uMax) => {
    const close = (value: number) => expect.closeTo(value, 3);
    expect(scalingSettings.parse(given)).toMatchObject({
      uMin: close(uMin),
      targetUtilization: close(targetUtilization),
      uMax: close(uMax),
    });
  });

  test('has room on both sides of a target that is not given, whatever edges are', () => {
    const edge = fc.option(
      fc.integer({ min: 1, max: 99 }).map((hundredths) => hundredths / 100),
      { nil: undefined },
    );
    fc.assert(
      fc.property(edge, edge, (one, other) => {
        const [uMin, uMax] = one !== undefined && other !== undefined && one > other ? [other, one] : [one, other];
        if (uMin !== undefined && uMin === uMax) return;
        const band = scalingSettings.parse({ uMin, uMax });
        expect(band.targetUtilization).toBeGreaterThan(band.uMin);
        expect(band.targetUtilization).toBeLessThan(band.uMax);
      }),
    );
  });

  test('is stored as it was given, and once filled in it stays as it is', () => {
    const scaling = jobScaling.parse({ uMax: 0.9 });
    expect(scaling).toEqual({ enabled: true, priority: 0, uMax: 0.9 });
    const settings = settingsOf(scaling, { spareSlots: 1 });
    expect(scalingSettings.parse(settings)).toEqual(settings);
  });

  test.each<[given: Band, path: string, message: string]>([
    [{ uMin: 0.8, uMax: 0.6 }, 'uMin', 'must not be above uMax'],
    [{ targetUtilization: 0.4, uMin: 0.5 }, 'targetUtilization', 'must lie between uMin and uMax'],
    [{ targetUtilization: 0.7, uMax: 0.6 }, 'targetUtilization', 'must lie between uMin and uMax'],
  ])('of %j is refused at %s', (given, path, message) => {
    for (const schema of [jobScaling, scalingSettings])
      expect(schema.safeParse(given).error?.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([[path, message]]);
  });
});
