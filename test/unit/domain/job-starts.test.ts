import * as crypto from 'node:crypto';
import fc from 'fast-check';
import { flinkJobIdOf } from '../../../lambdas/domain/flink-job-id';
import { epochsByJobId, takerOf } from '../../../lambdas/domain/job-starts';

jest.mock('node:crypto', () => {
  const actual = jest.requireActual<typeof crypto>('node:crypto');
  return { ...actual, createHash: jest.fn(actual.createHash) };
});
const hashes = (): number => jest.mocked(crypto.createHash).mock.calls.length;
beforeEach(() => jest.clearAllMocks());

const at = (jobEpoch: number, clusterEpoch: number): string => flinkJobIdOf({ cluster: 'flights', clusterEpoch, job: 'delays', jobEpoch });
const upTo = (jobEpoch: number, clusterEpoch: number) => ({ cluster: 'flights', clusterEpoch, job: 'delays', jobEpoch });
const savepointOf = (flinkJobId: string): string => `s3://state/savepoints/savepoint-${flinkJobId.slice(0, 6)}-20a20a586b77`;

test('of whichever starts there were, each that has left something is found, by its id or by a savepoint of it', () => {
  const step = fc.record({ moves: fc.integer({ min: 0, max: 4 }), left: fc.constantFrom('state', 'savepoint', 'nothing') });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.integer({ min: 0, max: 20 }), (steps, since) => {
      let clusterEpoch = 1;
      const starts = steps.map(({ moves, left }, index) => {
        clusterEpoch += moves;
        return { id: at(index + 1, clusterEpoch), epoch: index + 1, left };
      });
      const left = (what: string) => starts.filter((start) => start.left === what);
      const epochs = epochsByJobId(upTo(steps.length, clusterEpoch + since), {
        flinkJobIds: left('state').map(({ id }) => id),
        savepoints: left('savepoint').map(({ id }) => savepointOf(id)),
      });
      for (const { id, epoch } of left('state')) expect(epochs.get(id)).toBe(epoch);
      for (const { id, epoch } of left('savepoint')) expect(epochs.get(takerOf(savepointOf(id), epochs.keys()) ?? '')).toBe(epoch);
      for (const { id } of left('nothing')) expect(epochs.has(id)).toBe(false);
    }),
    { numRuns: 100 },
  );
});

test('where cluster and job have begun thousands of times, as with hourly drills, hardly more ids are made than have left something', () => {
  const newest = Array.from({ length: 20 }, (_, back) => at(8_760 - back, 8_800 - back));
  jest.clearAllMocks();
  const epochs = epochsByJobId(upTo(8_760, 8_800), { flinkJobIds: newest.slice(0, 15), savepoints: newest.slice(15).map(savepointOf) });
  expect([...epochs.values()]).toEqual(Array.from({ length: 20 }, (_, back) => 8_760 - back));
  expect(hashes()).toBeLessThan(200);
});

test('a job that has not been started through thousands of moves is found by its epoch', () => {
  const ids = [at(4, 20), at(3, 19)];
  jest.clearAllMocks();
  expect([...epochsByJobId(upTo(4, 8_800), { flinkJobIds: ids, savepoints: [] }).values()]).toEqual([4, 3]);
  expect(hashes()).toBeLessThan(9_000);
});

test('what no start has left ends the search at a bound, and hides nothing that one has', () => {
  const ids = [at(8_760, 8_800), 'f'.repeat(32)];
  jest.clearAllMocks();
  const left = { flinkJobIds: ids, savepoints: ['s3://state/savepoints/savepoint-ffffff-20a20a586b77'] };
  expect(epochsByJobId(upTo(8_760, 8_800), left).get(ids[0] ?? '')).toBe(8_760);
  expect(hashes()).toBeLessThanOrEqual(100_000);
});
