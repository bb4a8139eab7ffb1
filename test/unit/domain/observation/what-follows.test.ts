import * as fc from 'fast-check';
import type { AlarmKind, VertexSeen } from '../../../../lambdas/contracts/scaling';
import { alarmsFor } from '../../../../lambdas/domain/alarms';
import { jobFigures } from '../../../../lambdas/domain/observation/figures';
import { whyConsider } from '../../../../lambdas/domain/observation/what-follows';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import { AT_ONCE, from, later, NOW, observed, past, settings, vertex } from '../scaling/examples';

const HOUR = 3_600;
const reads = { pendingRecords: 0, pendingRecordsGrowth: 0 };
const [inside, busy, idle] = [vertex('v', reads), vertex('v', { busy: 0.95, ...reads }), vertex('v', { busy: 0.1, ...reads })];
const hot = (share: number) => vertex('source', { busy: share, partitions: 4, ...reads });
const wide = vertex('w', { busy: 0.02, parallelism: 40, inputs: from('source') });
/** One that is short, and another that does not need the slots that are not to be had otherwise. */
const giving: Given[0] = [
  [vertex('v', { busy: 0.95, ...reads }), vertex('w', { busy: 0.02, parallelism: 12, slotSharingGroup: 'other', inputs: from('v') })],
  { fleet: { slotsFree: 0, slotsAddable: 0 } },
];
const lowered = past({ at: later(-600), from: { v: 8 }, to: { v: 4 } });
const burst = past({ at: later(-600), from: { v: 2 }, to: { v: 4 }, urgent: true });
const near = vertex('v', { busy: 0.85, ...reads });
const growing = [600, 600, 600, 650, 800].map((recordsPerSecond, index) => ({ at: later(index * 30 - 150), recordsPerSecond }));
const floor = { from: '11:00', until: '13:00', parallelism: 8 };

/** Of the vertex's subtasks one has more to do than the others. */
const hotSubtask = (mean: number, worst: number): VertexSeen => ({ ...vertex('v', { ...reads, parallelism: 2 }), busy: { mean, worst } });

type Given = [seen: Parameters<typeof observed>, desired: Parameters<typeof settings>[0], alarms?: Parameters<typeof whyConsider>[1]];
const why = (...[seen, desired, alarms = {}]: Given): string | null =>
  whyConsider(decideScaling(observed(...seen), settings({ ...AT_ONCE, ...desired }), NOW), alarms);

describe('a decision', () => {
  test.each<[string, string, ...Given]>([
    [
      'service level: the lag of v is over its level of 60 s and grows',
      'a service level is broken and becomes worse',
      [[vertex('v', { busy: 1, pendingRecords: 90_000, pendingRecordsGrowth: 500 })]],
      {},
    ],
    [
      'service level: the lag of v is over its level of 60 s and grows',
      'nothing can be done about that',
      [[vertex('v', { busy: 1, pendingRecords: 90_000, pendingRecordsGrowth: 500 })]],
      { maxParallelism: 4 },
    ],
    [
      'service level: the lag is over its level',
      'a service level is broken and does not become worse',
      [[vertex('v', { busy: 1, pendingRecords: 90_000, pendingRecordsGrowth: -500 })]],
      {},
    ],
    ['roll-back', 'the last rescale made things worse', [[inside], { history: [lowered], job: { restarts: 3 } }], {}],
    [
      'alarm busy, lag',
      'alarms are active',
      [[busy]],
      {},
      { busy: { state: 'ALARM' }, idle: { state: 'OK' }, lag: { state: 'ALARM' }, watermark: { state: 'INSUFFICIENT_DATA' } },
    ],
    [
      'alarm kafka-lag-2',
      'a topic lags by what MSK says and Flink does not know it, whatever a pass makes of the rest',
      [[vertex('v')]],
      {},
      { busy: { state: 'ALARM' }, 'kafka-lag-1': { state: 'OK' }, 'kafka-lag-2': { state: 'ALARM' } },
    ],
    ['alarm busy', 'slots move from a vertex that does not need them', giving, {}, { busy: { state: 'ALARM' } }],
    ['alarm idle', 'the alarm says that less would do', [[idle]], {}, { idle: { state: 'ALARM' } }],
    ['trend', 'what comes in grows from one observation to the next', [[near], { state: { loads: growing } }], {}],
    ['back from a burst', 'less would do than what a burst asked for', [[idle], { history: [burst] }], {}],
    ['idle beside a busy vertex', 'one vertex is far too wide, and another so busy that no alarm says it', [[hot(0.8), wide]], {}],
    [
      'idle beside a busy vertex',
      'the other would do with a little less, and is too busy for the alarm',
      [[vertex('source', { busy: 0.55, parallelism: 10, ...reads }), wide]],
      {},
    ],
    [
      'idle beside a busy vertex',
      'one subtask of the other is so busy that no alarm says it, whatever the rest of them do',
      [[hotSubtask(0.4, 0.7), vertex('w', { busy: 0.02, parallelism: 40, inputs: from('v') })]],
      {},
    ],
    [
      'idle beside a busy vertex',
      'the other is so busy that it would need more, and cannot have it',
      [[hot(0.95), wide]],
      {},
      { busy: { state: 'ALARM' } },
    ],
    ['forecast', 'a peak is near', [[inside], { forecast: [{ at: later(HOUR / 4), recordsPerSecond: 3_000 }] }], {}],
    ['limits', 'the job is smaller than it may be by now', [[inside]], { minParallelism: 6 }],
    ['limits', 'the job is larger than it may be by now', [[inside]], { maxParallelism: 3 }],
    [
      'limits',
      'a busy vertex is larger than it may be by now, and another is not',
      [[vertex('v', { busy: 0.55, parallelism: 8, ...reads }), vertex('w', { busy: 0.7, parallelism: 2, inputs: from('v') })]],
      { maxParallelism: 6 },
    ],
    ['floor', 'more is scheduled', [[inside]], { floors: [floor] }],
  ])('is carried out for «%s» when %s', (trigger, _, ...given) => {
    expect(why(...given)).toBe(trigger);
  });

  test.each<[string, ...Given]>([
    ['only the figures of one pass speak for more', [[busy]], {}],
    ['only the figures of one pass speak for less', [[idle]], {}],
    ['only the figures of one pass speak for moving slots', giving, {}],
    ['only the figures of one pass speak for less of every vertex', [[vertex('source', { busy: 0.1, ...reads }), wide]], {}],
    ['only alarms for more ring, and less would do', [[idle]], {}, { lag: { state: 'ALARM' }, busy: { state: 'ALARM' } }],
    ['only the alarm for less rings, and more is wanted', [[busy]], {}, { idle: { state: 'ALARM' } }],
    ["less would do than what the day's course asked for", [[idle], { history: [{ ...burst, urgent: undefined }] }], {}],
    ['nothing is to be changed, whatever rings', [[inside]], {}, { busy: { state: 'ALARM' } }],
    ['Flink knows the lag itself, and it is none', [[inside]], {}, { 'kafka-lag-1': { state: 'ALARM' } }],
    ['several sources have no lag, and whose it is nobody knows', [[vertex('v'), vertex('w')]], {}, { 'kafka-lag-1': { state: 'ALARM' } }],
    ['it is held', [[idle]], { scaleInWindowSeconds: HOUR }, { idle: { state: 'ALARM' } }],
    ['the figures say nothing', [[busy], { job: { incomplete: true } }], {}, { busy: { state: 'ALARM' } }],
  ])('waits while %s', (_, ...given) => {
    expect(why(...given)).toBeNull();
  });
});

describe('what a decision waits for', () => {
  /** Alarms that would ring if every observation were like this one. */
  const ringing = (vertices: readonly VertexSeen[], desired: Given[1]) => {
    const { job } = observed(vertices);
    const { values } = jobFigures({ observation: job, skew: null, checkpointSizeBytes: null, checkpointFailures: 0 });
    const figures: Readonly<Record<string, number>> = values;
    const alarms = alarmsFor({
      scaling: { enabled: true, priority: 0 },
      settings: settings({ ...AT_ONCE, ...desired }),
      observedEverySeconds: 60,
      runbook: '',
    });
    const rings = alarms.filter(({ metric, comparison, threshold }) => {
      const value = figures[metric];
      return value !== undefined && (comparison === 'above' ? value > threshold : value < threshold);
    });
    return Object.fromEntries(rings.map(({ kind }): [AlarmKind, { state: 'ALARM' }] => [kind, { state: 'ALARM' }]));
  };

  test('is an alarm that rings where one subtask has all that it can do, and all together are within the band', () => {
    const vertices = [hotSubtask(0.75, 1)];
    const decision = decideScaling(observed(vertices, { fleet: { slotsFree: 8 } }), settings(AT_ONCE), NOW);
    expect(decision.action).toMatchObject({ kind: 'rescale', direction: 'out' });
    expect(whyConsider(decision, {})).toBeNull();
    expect(whyConsider(decision, ringing(vertices, {}))).toBe('alarm busy');
  });

  test('is never an alarm that cannot ring, however uneven the vertices are', () => {
    const share = fc.double({ min: 0.01, max: 1, noNaN: true });
    const any = fc.record({ mean: share, skew: share, parallelism: fc.constantFrom(1, 2, 5, 16, 60) });
    fc.assert(
      fc.property(any, any, share, (first, second, target) => {
        const [source, work] = [first, second].map(({ mean, skew, parallelism }, index) => ({
          ...vertex(index === 0 ? 'source' : 'work', { parallelism }),
          busy: { mean, worst: Math.min(1, mean + skew * (1 - mean)) },
        })) as [VertexSeen, VertexSeen];
        const vertices = [
          { ...source, ...reads },
          { ...work, inputs: from('source') },
        ];
        const desired = { targetUtilization: target, uMin: target / 2, uMax: (1 + target) / 2 };
        const decision = decideScaling(observed(vertices, { fleet: { slotsFree: 1_000 } }), settings({ ...AT_ONCE, ...desired }), NOW);
        if (decision.action.kind === 'rescale') expect(whyConsider(decision, ringing(vertices, desired))).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
