import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FlinkJob, largestShare, limitsOf, lostBy } from '../../../../bench/fleet/flink-model';
import type { Measurements } from '../../../../bench/fleet/measure/measurements';
import { REPLAYED_SECONDS, WAITED_SECONDS } from '../../../../bench/fleet/simulate';
import { median } from '../../../../bench/statistics';

/** Made by bench/fleet/measure/cli.ts on real Flink, on a machine that was shared with other work. */
const measured = JSON.parse(readFileSync(join(__dirname, '../../../../bench/fleet/measured.json'), 'utf8')) as Measurements;
const rate = (parallelism: number, hotKeyShare: number) => {
  const found = measured.rates.find((one) => one.parallelism === parallelism && one.hotKeyShare === hotKeyShare);
  if (!found) throw new Error(`nothing was measured at ${parallelism}`);
  return found;
};

describe("the simulator's model of Flink", () => {
  const { recordsPerSecond, cores } = rate(2, 0);
  // One figure is taken from the measurements: what a record costs a processor, at parallelism 2.
  const cost = cores / recordsPerSecond;
  const job: FlinkJob = {
    sourceSeconds: 0.05 * cost,
    workSeconds: 0.95 * cost,
    cpuShare: 1,
    hotKeyShare: 0,
    keyGroups: 720,
    partitions: 8,
    restartSeconds: median(measured.rescales.map(({ down }) => down)),
    checkpointSeconds: measured.checkpointIntervalSeconds,
    hostCores: 2,
    slotsPerCore: 2,
  };

  test.each(measured.rates.map((one) => [one.parallelism, one.hotKeyShare, one] as const))(
    'tells the rate at parallelism %d with a hot key of %d within 40 %%, from the processors that the job got',
    (parallelism, hotKeyShare, one) => {
      const { cores: told } = limitsOf({ ...job, hotKeyShare }, { source: parallelism, work: parallelism }, one.cores);
      expect(told / one.recordsPerSecond).toBeGreaterThan(0.6);
      expect(told / one.recordsPerSecond).toBeLessThan(1.4);
    },
  );

  test('tells within 10 % that four subtasks that share the processors of two do no more', () => {
    const four = rate(4, 0);
    expect(limitsOf(job, { source: 4, work: 4 }, four.cores).capacity / four.recordsPerSecond).toBeCloseTo(1, 1);
  });

  test('tells within 30 % what twice the subtasks bring to a vertex with a hot key: next to nothing', () => {
    const told = largestShare(720, 2, 0.5) / largestShare(720, 4, 0.5);
    const seen = rate(4, 0.5).recordsPerSecond / rate(2, 0.5).recordsPerSecond;
    expect(told).toBeLessThan(1.3);
    expect(Math.abs(told / seen - 1)).toBeLessThan(0.3);
  });

  test('draws the wait for a checkpoint from a range that holds each wait that was measured', () => {
    for (const { waited } of measured.rescales) {
      expect(waited).toBeGreaterThanOrEqual(WAITED_SECONDS.least);
      expect(waited).toBeLessThanOrEqual(Math.min(WAITED_SECONDS.most, measured.checkpointIntervalSeconds));
    }
  });

  test('loses as much as real rescales did: each within a factor of 2.5, all together within 30 %', () => {
    const replayed = (REPLAYED_SECONDS.least + REPLAYED_SECONDS.most) / 2;
    let [told, seen] = [0, 0];
    for (const { recordsPerSecond: arriving, down, replayed: again } of measured.rescales) {
      const lost = lostBy(arriving, job.restartSeconds, replayed);
      expect(lost / (arriving * (down + again))).toBeGreaterThan(1 / 2.5);
      expect(lost / (arriving * (down + again))).toBeLessThan(2.5);
      told += lost;
      seen += arriving * (down + again);
    }
    expect(Math.abs(told / seen - 1)).toBeLessThan(0.3);
  });
});
