import * as fc from 'fast-check';
import { flinkJobId, operationId } from '../../../lambdas/contracts/names';
import { chooseHomeZone } from '../../../lambdas/domain/cluster-zone';
import { flinkJobIdOf } from '../../../lambdas/domain/flink-job-id';
import { operationIdOf, operationIdOfKey, requestHashOf } from '../../../lambdas/domain/operation-id';

const START = { cluster: 'flights', clusterEpoch: 1, job: 'delays', jobEpoch: 1 };
const REQUEST = { caller: 'arn:aws:iam::000000000000:user/ana', method: 'POST', path: '/clusters', key: 'k1' };

describe("a job's Flink id", () => {
  test('is the same for the same start, and a Flink job id', () => {
    expect(flinkJobIdOf(START)).toBe(flinkJobIdOf({ ...START }));
    expect(flinkJobId.safeParse(flinkJobIdOf(START)).success).toBe(true);
  });

  test.each([{ cluster: 'other' }, { clusterEpoch: 2 }, { job: 'other' }, { jobEpoch: 2 }])('is another with %j', (change) => {
    expect(flinkJobIdOf({ ...START, ...change })).not.toBe(flinkJobIdOf(START));
  });
});

describe("an operation's id", () => {
  test('is well-formed whatever the bytes are, and different for different bytes', () => {
    const bytes = fc.uint8Array({ minLength: 17, maxLength: 17 });
    fc.assert(fc.property(bytes, (value) => operationId.safeParse(operationIdOf(value)).success));
    expect(operationIdOf(new Uint8Array(17))).not.toBe(operationIdOf(new Uint8Array(17).fill(1)));
  });

  test('is the same for the same caller, route and key', () => {
    expect(operationIdOfKey(REQUEST)).toBe(operationIdOfKey({ ...REQUEST }));
  });

  test('is the same for the next session of a role, and another for another role', () => {
    const [first, next, other] = ['runner/aws-sdk-js-1', 'runner/aws-sdk-js-2', 'admin/aws-sdk-js-1'].map((session) =>
      operationIdOfKey({ ...REQUEST, caller: `arn:aws:sts::000000000000:assumed-role/${session}` }),
    );
    expect(next).toBe(first);
    expect(other).not.toBe(first);
  });

  test.each([{ caller: 'arn:aws:iam::000000000000:user/bob' }, { method: 'DELETE' }, { path: '/clusters/a/jobs' }, { key: 'k2' }])(
    'is another with %j',
    (change) => {
      expect(operationIdOfKey({ ...REQUEST, ...change })).not.toBe(operationIdOfKey(REQUEST));
    },
  );

  test('is not made from too few bytes', () => {
    expect(() => operationIdOf(new Uint8Array(16))).toThrow('17 bytes are needed, 16 given');
  });
});

describe("a request's fingerprint", () => {
  test('does not depend on the order of fields or on fields that are not there', () => {
    expect(requestHashOf({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(requestHashOf({ b: { c: [1, 2] }, a: 1 }));
  });

  test('depends on every value and on the order of lists', () => {
    const hashes = [{ a: 1 }, { a: '1' }, { a: [1, 2] }, { a: [2, 1] }, { a: null }, {}].map(requestHashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('is the same for equal requests only', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.jsonValue(),
        (a, b) => (requestHashOf(a) === requestHashOf(b)) === (JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))),
      ),
    );
  });
});

describe('the home zone', () => {
  const zones = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

  test('is the one that was asked for', () => {
    expect(chooseHomeZone('flights', 'eu-central-1b', zones)).toMatchObject({ ok: true, zone: 'eu-central-1b' });
  });

  test('is refused when the stage does not have it', () => {
    expect(chooseHomeZone('flights', 'us-east-1a', zones)).toEqual({
      ok: false,
      problems: [{ path: 'zone', message: 'the stage has no zone us-east-1a; it has eu-central-1a, eu-central-1b, eu-central-1c' }],
    });
  });

  test('is none that AWS shifts traffic away from, unless it was asked for or there is no other', () => {
    for (let index = 0; index < 50; index += 1)
      expect(chooseHomeZone(`cluster-${index}`, undefined, zones, ['eu-central-1a', 'eu-central-1c'])).toMatchObject({
        zone: 'eu-central-1b',
      });
    expect(chooseHomeZone('flights', 'eu-central-1b', zones, zones)).toMatchObject({ zone: 'eu-central-1b' });
    expect(chooseHomeZone('flights', undefined, zones, zones)).toMatchObject({ ...chooseHomeZone('flights', undefined, zones) });
  });

  test('is one of those that the hosts are to be in, also while AWS shifts traffic away from one of them', () => {
    const placed = ['eu-central-1c', 'eu-central-1a'];
    for (let index = 0; index < 50; index += 1) {
      const choose = (shifted: readonly string[]) => chooseHomeZone(`cluster-${index}`, undefined, zones, shifted, placed);
      expect(choose([])).toMatchObject({ zone: expect.stringMatching(/[ac]$/) });
      expect(choose(['eu-central-1a'])).toMatchObject({ zone: 'eu-central-1c' });
    }
  });

  test('is always the same for a name, and many names use every zone', () => {
    const chosen = Array.from({ length: 50 }, (_, index) => chooseHomeZone(`cluster-${index}`, undefined, zones));
    expect(chosen).toEqual(Array.from({ length: 50 }, (_, index) => chooseHomeZone(`cluster-${index}`, undefined, zones)));
    expect(new Set(chosen.map((choice) => choice.ok && choice.zone))).toEqual(new Set(zones));
  });
});

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
};
