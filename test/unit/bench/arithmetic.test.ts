import * as fc from 'fast-check';
import { MINUTES_A_MONTH, NOTHING, priceOf, times } from '../../../bench/prices';
import { aimsTable, under } from '../../../bench/report';
import { standingCharges } from '../../../bench/road/standing-charges';
import { median, percentile } from '../../../bench/statistics';

describe('a percentile', () => {
  test.each([
    [[5], 0.95, 5],
    [[1, 2, 3, 4], 0.5, 2],
    [[4, 3, 2, 1], 0.75, 3],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.95, 95],
  ])('of %j at %d is the nearest rank', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });

  test('is one of the values, and at least its share of them do not exceed it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const found = percentile(values, share);
        expect(values).toContain(found);
        expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(share * values.length - 1e-9);
      }),
    );
  });

  test('of nothing is refused', () => {
    expect(() => percentile([], 0.5)).toThrow('nothing was measured');
    expect(() => median([])).toThrow('nothing was measured');
  });
});

test('aims are shown with what there is to say of them below', () => {
  const [, ...lines] = aimsTable([under('a start', 2, 's', 1), under('a move', 2, 's', 3, 'one zone had no host')])
    .trimEnd()
    .split('\n');
  expect(lines.slice(2).map((line) => line.trim().replace(/ {2,}/g, ' | '))).toEqual([
    'a start | under 2 s | 1 | met',
    'a move | under 2 s | 3 | NOT MET',
    'a move: one zone had no host',
  ]);
});

test('a median of an even number of values lies between the two in the middle', () => {
  expect(median([9, 1, 3, 5])).toBe(4);
  expect(median([9, 1, 3])).toBe(3);
});

describe('the price', () => {
  test.each([
    ['a million state transitions', { transitions: 1e6 }, 25],
    ['a million invocations', { invocations: 1e6 }, 0.2],
    ['a million seconds of 512 MiB', { gbSeconds: 5e5 }, 6.6667],
    ['a million writes of 1 KB', { tableWriteUnits: 1e6 }, 0.625],
    ['a GB of log', { logBytes: 1e9 }, 0.5],
  ])('of %s is the list price', (_, use, dollars) => {
    expect(priceOf({ ...NOTHING, ...use })).toBeCloseTo(dollars, 6);
  });

  test('of a month is the price of each minute of it', () => {
    const minute = { ...NOTHING, invocations: 1, gbSeconds: 0.025 };
    expect(priceOf(times(minute, MINUTES_A_MONTH))).toBeCloseTo(43_800 * priceOf(minute), 9);
  });
});

describe('standing charges', () => {
  test('are those of keys, alarms and interface endpoints by zone; gateway endpoints are free', () => {
    const charges = standingCharges([
      { Type: 'AWS::KMS::Key' },
      { Type: 'AWS::KMS::Alias' },
      { Type: 'AWS::SSM::Parameter' },
      { Type: 'AWS::SNS::Topic' },
      { Type: 'AWS::CloudWatch::Alarm' },
      { Type: 'AWS::CloudWatch::Alarm' },
      { Type: 'AWS::EC2::VPCEndpoint', Properties: { VpcEndpointType: 'Gateway' } },
      { Type: 'AWS::EC2::VPCEndpoint', Properties: { VpcEndpointType: 'Interface', SubnetIds: ['a', 'b', 'c'] } },
    ]);
    expect(charges.total).toBeCloseTo(1 + 0.2 + 21.9, 6);
    expect(charges.unknown).toEqual([]);
  });

  test('name each type of which no price is known', () => {
    expect(standingCharges([{ Type: 'AWS::MSK::Cluster' }, { Type: 'AWS::Lambda::Function' }]).unknown).toEqual(['AWS::MSK::Cluster']);
  });
});

test('an aim is met below its limit only', () => {
  expect(under('overhead', 2, 's', 1.99).met).toBe(true);
  expect(under('overhead', 2, 's', 2)).toEqual({ name: 'overhead', aim: 'under 2 s', measured: 2, met: false });
});
