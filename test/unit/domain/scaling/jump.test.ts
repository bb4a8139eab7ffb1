import * as fc from 'fast-check';
import { decideScaling, redecide } from '../../../../lambdas/domain/scaling/decide-scaling';
import { evaluateJob } from '../../../../lambdas/domain/scaling/evaluate';
import { jumpOf } from '../../../../lambdas/domain/scaling/jump';
import { from, later, NOW, observed, settings, vertex } from './examples';

const desired = settings({
  catchUpSeconds: 60,
  restartSeconds: 3,
  scaleOutWindowSeconds: 60,
  highLagSeconds: 5,
  serviceLevels: { maxLagSeconds: 5 },
});

interface Rise {
  readonly before: number;
  readonly after: number;
  /** Share of the observation since it rose. */
  readonly part: number;
  /** What the job can do, records per second. */
  readonly most?: number;
}

/** Ten seconds of a job that read all that came in, until more came in than it can do. */
const source = ({ before, after, part, most = 100 }: Rise) => {
  const read = before * (1 - part) + most * part;
  const waits = (after - most) * part;
  return { recordsIn: read, busy: (before / most) * (1 - part) + part, pendingRecords: waits * 10, pendingRecordsGrowth: waits };
};
const seen = (rise: Rise, fields: object = {}) =>
  observed([vertex('v', { parallelism: 1, ...source(rise), ...fields })], {
    state: { loads: [{ at: later(-10), recordsPerSecond: rise.before }] },
    job: { observedAt: NOW, windowSeconds: 10 },
  });
const jumped = (given: ReturnType<typeof seen>) => {
  const evaluation = evaluateJob(given.job, desired);
  return jumpOf(evaluation, [...given.state.loads, { at: NOW, recordsPerSecond: evaluation.totalTarget }]);
};

/** Busy for four fifths of its time with less than what comes in, as behind a sink that stands still now and then. */
const SLOWER = { recordsIn: 55, busy: 0.8, pendingRecords: 500, pendingRecordsGrowth: 20 };

test('what comes in after a rise within the observation follows from how much the job read before it could read no more', () => {
  expect(jumped(seen({ before: 60, after: 240, part: 0.6 }))).toEqual({
    factor: expect.closeTo(240 / (60 * 0.4 + 240 * 0.6), 9),
    text: 'what comes in has risen from 60/s to about 240/s in the last 60 % of the observation',
  });
});

/** A source that reads ahead into buffers, and the work behind it, of which each order makes two. */
const behind = (rise: Rise, buffered: number) => {
  const { recordsIn, busy, pendingRecords, pendingRecordsGrowth } = source(rise);
  const waits = { pendingRecords: pendingRecords - buffered * 10, pendingRecordsGrowth: pendingRecordsGrowth - buffered };
  const read = recordsIn + buffered;
  const orders = vertex('orders', { parallelism: 1, recordsIn: read, recordsOut: 2 * read, busy: 0.1, backpressured: 0.5, ...waits });
  const work = vertex('work', { parallelism: 1, inputs: from('orders'), recordsIn: 2 * recordsIn, busy });
  return observed([orders, work], {
    state: { loads: [{ at: later(-10), recordsPerSecond: rise.before }] },
    job: { observedAt: NOW, windowSeconds: 10 },
  });
};

test.each([0, 15])('the work behind a source is asked how much it did, with %i/s in the buffers before it', (buffered) => {
  const given = behind({ before: 60, after: 240, part: 0.6 }, buffered);
  const jump = jumped(given);
  expect(jump?.text).toBe('what comes in has risen from 60/s to about 240/s in the last 60 % of the observation');
  // What it has to do by the observation is less by what the buffers took.
  const target = evaluateJob(given.job, desired).vertices.get('work')?.demand?.target ?? 0;
  expect((jump?.factor ?? 0) * target).toBeCloseTo(480, 9);
  expect(decideScaling(given, desired, NOW).action).toMatchObject({ kind: 'rescale', to: { work: 4 } });
});

test('of a vertex that shares what another sends nothing is known before the rise', () => {
  const given = behind({ before: 60, after: 240, part: 0.6 }, 0);
  const beside = vertex('beside', { parallelism: 1, inputs: from('orders'), recordsIn: 10, busy: 0.1 });
  expect(jumped({ ...given, job: { ...given.job, vertices: [...given.job.vertices, beside] } })).toBeNull();
});

test('of several sources nobody knows which has risen, so that a vertex behind one is not given more for the other', () => {
  // What comes in at the second has risen; the work behind the first does what it always did.
  const given = behind({ before: 60, after: 110, part: 0.6 }, 0);
  const other = vertex('other', { parallelism: 1, recordsIn: 500, busy: 0.1, pendingRecords: 5_000, pendingRecordsGrowth: 300 });
  const state = { ...given.state, loads: [{ at: later(-10), recordsPerSecond: 160 }] };
  expect(jumped({ ...given, state, job: { ...given.job, vertices: [...given.job.vertices, other] } })).toBeNull();
});

test.each(['beside the work', 'that the work joined'])(
  'a finished source %s does not keep the other from being the one that is asked',
  (where) => {
    const given = behind({ before: 60, after: 240, part: 0.6 }, 0);
    const ended = vertex('ended', { parallelism: 1, recordsIn: 0, recordsOut: 0, busy: null, finished: true });
    const inputs = where === 'that the work joined' ? [...from('orders'), ...from('ended')] : from('orders');
    const vertices = [...given.job.vertices.map((one) => (one.id === 'work' ? { ...one, inputs } : one)), ended];
    const jump = jumped({ ...given, job: { ...given.job, vertices } });
    expect(jump).not.toBeNull();
    expect(jump).toEqual(jumped(given));
  },
);

test.each<[string, Rise, object]>([
  ['the job has become slower and did less than what came in', { before: 60, after: 80, part: 1 }, SLOWER],
  ['the whole observation is after it', { before: 60, after: 240, part: 1 }, {}],
  ['hardly more came in', { before: 95, after: 110, part: 0.9 }, { pendingRecords: 1_000, pendingRecordsGrowth: 1 }],
  ['the job could hardly do more before', { before: 95, after: 300, part: 0.5 }, {}],
  ['what waits is within its level', { before: 60, after: 240, part: 0.2 }, { pendingRecords: 50 }],
  ['what waits gets less', { before: 60, after: 240, part: 0.6 }, { pendingRecordsGrowth: -1 }],
])('%s: no jump', (_, rise, fields) => {
  expect(jumped(seen(rise, fields))).toBeNull();
});

test.each([
  ['was not known', { loads: [{ at: later(-10), recordsPerSecond: null }] }],
  ['was none', { loads: [{ at: later(-10), recordsPerSecond: 0 }] }],
  ['has not been seen', {}],
])('what came in before %s: no jump', (_, state) => {
  const given = seen({ before: 60, after: 240, part: 0.6 });
  expect(jumped({ ...given, state: { ...given.state, loads: [], ...state } })).toBeNull();
});

test('of any rise at most the whole is found, and at most twice of what was seen', () => {
  const rises = fc.record({
    before: fc.double({ min: 5, max: 85, noNaN: true }),
    after: fc.double({ min: 120, max: 2_000, noNaN: true }),
    part: fc.double({ min: 0.05, max: 0.99, noNaN: true }),
  });
  fc.assert(
    fc.property(rises, ({ before, after, part }) => {
      const jump = jumped(seen({ before, after, part }));
      if (jump === null) return;
      const mean = before * (1 - part) + after * part;
      expect(jump.factor).toBeGreaterThan(1);
      expect(jump.factor).toBeLessThanOrEqual(2);
      expect(jump.factor * mean).toBeLessThanOrEqual(after * (1 + 1e-9));
    }),
  );
});

/** Ten seconds of which less came in than before until it rose, and then more than the work can do; the source waits for the work as soon as buffers are full. */
const throttled = ({
  before,
  fell,
  after,
  part,
  buffers = 0,
}: {
  before: number;
  fell: number;
  after: number;
  part: number;
  buffers?: number;
}) => {
  const most = 100;
  const work = fell * (1 - part) + most * part;
  const waits = { pendingRecords: (after - most) * part * 10, pendingRecordsGrowth: (after - most) * part };
  const orders = vertex('orders', {
    parallelism: 1,
    recordsIn: work,
    recordsOut: work,
    busy: 0.05,
    backpressured: Math.max(0, part - buffers),
    ...waits,
  });
  return observed([orders, vertex('work', { parallelism: 1, inputs: from('orders'), recordsIn: work, busy: work / most })], {
    state: { loads: [{ at: later(-10), recordsPerSecond: before }] },
    job: { observedAt: NOW, windowSeconds: 10 },
  });
};

test('a source that got nothing for two seconds, and then more than before, is not taken for a later and higher rise', () => {
  // The work did 80/s instead of 60/s, as if for half of the time it had done all that it can; its source waited for longer.
  expect(jumped(throttled({ before: 60, fell: 0, after: 200, part: 0.8 }))?.text).toBe(
    'what comes in has risen from 60/s to about 185/s in the last 80 % of the observation',
  );
  expect(jumped(throttled({ before: 60, fell: 0, after: 200, part: 0.8, buffers: 0.8 }))?.text).toBe(
    'what comes in has risen from 60/s to about 260/s in the last 50 % of the observation',
  );
});

test('of any load that falls and then rises no more is found than comes in now, but for what buffers took before the source waited', () => {
  const courses = fc.record({
    before: fc.double({ min: 5, max: 85, noNaN: true }),
    left: fc.double({ min: 0, max: 1, noNaN: true }),
    after: fc.double({ min: 120, max: 2_000, noNaN: true }),
    part: fc.double({ min: 0.25, max: 0.99, noNaN: true }),
    buffers: fc.double({ min: 0, max: 0.05, noNaN: true }),
  });
  fc.assert(
    fc.property(courses, ({ before, left, after, part, buffers }) => {
      const given = throttled({ before, fell: before * left, after, part, buffers });
      const jump = jumped(given);
      if (jump === null) return;
      const target = evaluateJob(given.job, desired).vertices.get('work')?.demand?.target ?? 0;
      expect(jump.factor * target).toBeLessThanOrEqual(after * (part / (part - buffers)) * (1 + 1e-9));
    }),
    { numRuns: 500 },
  );
});

test('a rise seven seconds ago is answered for what comes in, not for the mean of the ten, and the reason says so', () => {
  const given = seen({ before: 60, after: 240, part: 0.7 });
  const decision = decideScaling(given, desired, NOW);
  // 240 / 0.7 + 240 · 3 / 60 + 980 / 60 of 100 a second; for the mean of 186 it would be 3.
  expect(decision).toMatchObject({
    action: { kind: 'rescale', direction: 'out', to: { v: 4 } },
    reason: expect.stringContaining('what comes in has risen from 60/s to about 240/s in the last 70 % of the observation'),
  });
  expect(redecide(JSON.parse(JSON.stringify(decision.inputs)))).toEqual(decision);
  const unknown = decideScaling({ ...given, state: { ...given.state, loads: [] } }, desired, NOW);
  expect(unknown.action).toMatchObject({ kind: 'rescale', to: { v: 3 } });
});

test('a job that could do the mean, and cannot do what comes in now, will need more for that', () => {
  const given = seen({ before: 60, after: 240, part: 0.5, most: 200 }, { pendingRecords: 1_000 });
  const { action, explanation } = decideScaling(given, { ...desired, highLagSeconds: 30 }, NOW);
  expect(action).toMatchObject({ kind: 'rescale', direction: 'out' });
  const text = expect.stringMatching(/^v will need more: what comes in has risen from 60\/s to about 240\/s/);
  expect(explanation).toContainEqual(expect.objectContaining({ vertex: 'v', text }));
});
