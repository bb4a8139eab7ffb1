import { kafkaSource } from '../../../../lambdas/contracts/kafka';
import type { ScalingObserved } from '../../../../lambdas/contracts/scaling';
import { decideScaling, redecide } from '../../../../lambdas/domain/scaling/decide-scaling';
import { AT_ONCE, from, later, NOW, observed, settings, vertex } from './examples';

type Kafka = NonNullable<ScalingObserved['kafka']>;
const LAG: Kafka['lag'] = { at: later(-60), records: 600, growth: 0, seconds: 40, worstPartition: 300 };
const BROKERS: Kafka['brokers'] = { at: later(-60), cpu: 0.45, disk: 0.3 };
const kafka = (fields: Partial<Kafka> = {}): Kafka => ({
  clusterName: 'events',
  consumerGroup: 'counts',
  lag: LAG,
  brokers: BROKERS,
  ...fields,
});
const decide = (vertices: Parameters<typeof observed>[0], seen: Kafka | undefined, desired = settings(AT_ONCE)) =>
  decideScaling(observed(vertices, { fleet: { slotsFree: 10 }, ...(seen ? { kafka: seen } : {}) }), desired, NOW);
const texts = ({ explanation }: ReturnType<typeof decideScaling>): string => explanation.map(({ text }) => text).join('\n');

/** A source of which Flink does not say how much waits. */
const source = vertex('orders', { busy: 0.7 });
const work = vertex('work', { busy: 0.7, inputs: from('orders') });

describe('Of a source without a lag of its own', () => {
  test('the offsets that are not committed are its lag: over its level and growing, it is scaled out without a window', () => {
    const behind = kafka({ lag: { ...LAG, records: 90_000, growth: 500 } });
    const decision = decide([source, work], behind, settings({ scaleOutWindowSeconds: 600 }));
    expect(decision.action).toMatchObject({ kind: 'rescale', direction: 'out' });
    expect(decision.reason).toContain('the lag of orders is over its level of 60 s and grows');
    expect(texts(decision)).toContain('90000 records of consumer group counts are not committed, about 40 s, 300 of them in one partition');
    expect(decide([source, work], undefined).action).toEqual({ kind: 'none' });
  });

  test.each([
    ['old', { lag: { ...LAG, at: later(-301) } }, 'the lag of consumer group counts is 301 s old and is not decided on'],
    ['not there', { lag: null }, 'there are no figures of consumer group counts for all its topics'],
    ['not answered', { lag: null, brokers: null, problem: 'Throttling' }, 'its figures could not be read: Throttling'],
  ] as const)('figures that are %s are not decided on', (_, fields, text) => {
    const idle = [vertex('orders', { busy: 0.01 }), vertex('work', { busy: 0.01, inputs: from('orders') })];
    expect(decide(idle, kafka()).action).toMatchObject({ kind: 'rescale', direction: 'in' });
    const decision = decide(idle, kafka(fields));
    expect(decision.action.kind).not.toBe('rescale');
    expect(texts(decision)).toContain(text);
    expect(texts(decision)).toContain('orders stays at 4: its input rate or its lag is not known');
  });

  test('one minute alone tells no growth, and nothing is decided by it', () => {
    expect(decide([vertex('orders', { busy: 0.01 })], kafka({ lag: { ...LAG, growth: null } })).action.kind).not.toBe('rescale');
  });

  test('of two such sources it is not known which one lags', () => {
    const decision = decide([source, vertex('weather', { busy: 0.7 })], kafka({ lag: { ...LAG, records: 90_000, growth: 500 } }));
    expect(decision.action).toEqual({ kind: 'none' });
    expect(texts(decision)).toContain("2 sources have no lag of their own, so that the group's says nothing about one of them");
  });

  test('another one that has finished is not in the way', () => {
    const ended = vertex('history', { finished: true, recordsIn: 0, recordsOut: 0, busy: null });
    const decision = decide([source, ended, work], kafka({ lag: { ...LAG, records: 90_000, growth: 500 } }));
    expect(decision.action).toMatchObject({ kind: 'rescale', direction: 'out' });
    expect(decision.reason).toContain('the lag of orders is over its level of 60 s and grows');
    expect(texts(decision)).not.toContain('have no lag of their own');
  });
});

test('where Flink has the lag it is what is decided by', () => {
  const own = vertex('orders', { busy: 0.7, pendingRecords: 0, pendingRecordsGrowth: 0 });
  const decision = decide([own], kafka({ lag: { ...LAG, records: 90_000, growth: 500 } }));
  expect(decision.action).toEqual({ kind: 'none' });
  expect(texts(decision)).toContain('90000 records');
});

describe('Brokers without CPU to spare', () => {
  const behind = vertex('orders', { busy: 0.8, pendingRecords: 90_000, pendingRecordsGrowth: 500 });
  const full = kafka({ brokers: { ...BROKERS, cpu: 0.87 } });

  test('are a limit: a source that waits for them is not scaled out, and that is said', () => {
    expect(decide([behind], kafka()).action).toMatchObject({ kind: 'rescale', direction: 'out' });
    const decision = decide([behind], full);
    expect(decision.action).toEqual({ kind: 'hold' });
    expect(decision.reason).toBe(
      "More is needed and cannot be given: orders is not scaled out: the brokers' CPU on events is at 87 %, so that more parallelism would read no faster.",
    );
    expect(decision.explanation).toContainEqual(expect.objectContaining({ vertex: 'orders', invariant: 'limits' }));
  });

  test('do not keep a vertex from being scaled out that is busy all the time', () => {
    const busy = vertex('work', { busy: 1, inputs: from('orders') });
    const decision = decide(
      [vertex('orders', { busy: 0.1, backpressured: 0.8, pendingRecords: 90_000, pendingRecordsGrowth: 500 }), busy],
      full,
    );
    expect(decision.action).toMatchObject({ kind: 'rescale', to: { orders: 4 } });
    expect(decision.action).toMatchObject({ direction: 'out' });
  });

  test('of five minutes ago say nothing about now', () => {
    expect(decide([behind], kafka({ brokers: { at: later(-301), cpu: 0.99, disk: 0.3 } })).action).toMatchObject({ kind: 'rescale' });
  });

  test('are named where a job is late and nothing in it is short', () => {
    const waiting = vertex('orders', { busy: 0.3, pendingRecords: 90_000, pendingRecordsGrowth: 1, recordsIn: 1_000 });
    const decision = decide([waiting], full, settings({ ...AT_ONCE, uMin: 0.1, highLagSeconds: 1_000 }));
    expect(decision.reason).toMatch(/no vertex is short of what it needs: the brokers' CPU on events is at 87 %\.$/);
  });

  test('disks that fill up are told', () => {
    expect(texts(decide([source], kafka({ brokers: { ...BROKERS, disk: 0.9 } })))).toContain('the fullest disk at 90 %, and a broker');
  });
});

test('what is kept is decided again the same, with what MSK told then', () => {
  const decision = decide([source, work], kafka({ lag: { ...LAG, records: 90_000, growth: 500 } }));
  expect(redecide(JSON.parse(JSON.stringify(decision.inputs)))).toEqual(decision);
});

test.each([
  ['a group with a colon, of which CloudWatch has no figures', { consumerGroup: 'a:b' }],
  ['a group in other letters', { consumerGroup: 'größen' }],
  ['a topic twice', { topics: ['a', 'a'] }],
  ['no topic', { topics: [] }],
  ['an ARN in place of the name', { clusterName: 'arn:aws:kafka:us-east-1:1:cluster/events/1' }],
])('%s is refused', (_, fields) => {
  const good = { clusterName: 'events', consumerGroup: 'counts', topics: ['orders'] };
  expect(kafkaSource.safeParse(good).success).toBe(true);
  expect(kafkaSource.safeParse({ ...good, ...fields }).success).toBe(false);
});
