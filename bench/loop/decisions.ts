import { type ScalingInputs, scalingInputs } from '../../lambdas/contracts/scaling';
import { percentile } from '../statistics';

const NOW = '2026-03-04T12:00:00.000Z';

/** Layers of four keyed vertices behind four sources, with a week of rescales and a forecast; one vertex is saturated, so that all of the decision is made. */
export const decisionInputs = (count: number): ScalingInputs => {
  const id = (index: number): string => index.toString(16).padStart(32, '0');
  const vertices = Array.from({ length: count }, (_, index) => ({
    id: id(index),
    name: `vertex ${index}`,
    inputs:
      index < 4
        ? []
        : [{ vertex: id(index - 4), ship: 'hash' }, ...(index % 3 === 0 ? [{ vertex: id(index - 3), ship: 'rebalance' }] : [])],
    parallelism: 16,
    maxParallelism: 720,
    recordsIn: 10_000 + index,
    recordsOut: 10_000 - index,
    busy: { mean: 0.6, worst: index === count - 1 ? 1 : 0.7 },
    backpressured: { mean: 0, worst: 0.05 },
    idle: { mean: 0.4, worst: 0.3 },
    ...(index < 4 ? { pendingRecords: 1_000_000, pendingRecordsGrowth: 500, partitions: 64 } : {}),
  }));
  const rates = Object.fromEntries(vertices.map(({ id: vertex }) => [vertex, 14_000]));
  const parallelism = (value: number) => Object.fromEntries(vertices.map(({ id: vertex }) => [vertex, value]));
  const effect = { rates, restarts: 0, checkpointFailures: 0, gcShare: 0.02 };
  const history = Array.from({ length: 28 }, (_, index) => {
    const at = new Date(Date.parse(NOW) - (28 - index) * 6 * 3_600_000).toISOString();
    const [from, to] = index % 2 === 0 ? [12, 16] : [16, 12];
    return {
      kind: 'rescale',
      at,
      from: parallelism(from),
      to: parallelism(to),
      before: effect,
      expected: rates,
      measured: { ...effect, at },
    };
  });
  const job = {
    cluster: 'bench',
    job: 'bench',
    observedAt: NOW,
    windowSeconds: 30,
    state: 'RUNNING',
    vertices,
    restarts: 0,
    checkpoints: { consecutiveFailures: 0, latestAgeSeconds: 10, durationSeconds: 1 },
    taskManagers: { cpuLoad: 0.6, gcShare: 0.02, heapAfterGcShare: 0.3 },
  };
  const forecast = Array.from({ length: 96 }, (_, index) => ({
    at: new Date(Date.parse(NOW) + index * 900_000).toISOString(),
    recordsPerSecond: 40_000,
  }));
  return scalingInputs.parse({ observed: { job, fleet: { slotsFree: 8 }, history, forecast }, desired: {}, now: NOW });
};

/** ms of one call on the clock, and of processor time, in which other processes have no part; after enough calls for the compiler. */
export const timed = (count: number, what: () => unknown): { readonly median: number; readonly p99: number; readonly cpuP99: number } => {
  for (let index = 0; index < Math.min(200, count); index += 1) what();
  const each: number[] = [];
  const processor: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    what();
    const { user, system } = process.cpuUsage(used);
    each.push(performance.now() - start);
    processor.push((user + system) / 1_000);
  }
  return { median: percentile(each, 0.5), p99: percentile(each, 0.99), cpuP99: percentile(processor, 0.99) };
};
