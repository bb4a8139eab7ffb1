import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aimsOf } from '../../../bench/autoscaler/bench';
import { judge, LAG_LEVEL_SECONDS, lagSeconds, type Sample, type Verdict } from '../../../bench/autoscaler/judge';
import { shapesOf } from '../../../bench/autoscaler/shapes';
import { endOf, rateAt, recordsUntil } from '../../../examples/orders-jar/profile';

/** One sample a second: 10 orders a second, 40 from second 30 on; what a job commits that follows `capacity`. */
const run = (seconds: number, capacity: (second: number) => number, parallelism: (second: number) => number): Sample[] => {
  let [sent, committed] = [0, 0];
  return Array.from({ length: seconds }, (_, second) => {
    sent += second < 30 ? 10 : 40;
    committed = Math.min(sent, committed + capacity(second));
    return { second, sent, committed, parallelism: parallelism(second) };
  });
};
const rate = (second: number): number => (second < 30 ? 10 : 40);

describe('A contestant', () => {
  test('has the lag of its oldest order', () => {
    const samples = run(
      40,
      () => 10,
      () => 1,
    );
    expect(lagSeconds(samples, 20)).toBe(0);
    // 400 committed at second 39, which were sent by second 32 (310 at 29, then 40 a second).
    expect(lagSeconds(samples, 39)).toBe(7);
  });

  test('that rescales once, up, recovers when its lag is back under the level for good', () => {
    const verdict = judge(
      run(
        200,
        (second) => (second < 60 ? 10 : 100),
        (second) => (second < 60 ? 1 : 4),
      ),
      30,
      rate,
    );
    expect(verdict).toMatchObject({ rescales: 1, wrongWay: 0, secondsToLastRescale: 30 });
    expect(verdict.secondsToRecover).toBeGreaterThan(30);
    expect(verdict.secondsToRecover).toBeLessThan(50);
    expect(verdict.mostLagSeconds).toBeGreaterThan(LAG_LEVEL_SECONDS);
    expect(verdict.slotSeconds).toBe(59 + 140 * 4);
  });

  test('that never keeps up never recovers', () => {
    expect(
      judge(
        run(
          200,
          () => 10,
          () => 1,
        ),
        30,
        rate,
      ),
    ).toMatchObject({ secondsToRecover: null, rescales: 0 });
  });

  test('that was never late recovered at once', () => {
    expect(
      judge(
        run(
          200,
          () => 1_000,
          () => 4,
        ),
        30,
        rate,
      ),
    ).toMatchObject({ secondsToRecover: 0, secondsToLastRescale: null });
  });

  test('that shrinks while it lags went the wrong way, and a restart between is one rescale', () => {
    const sizes = (second: number): number => (second < 50 ? 2 : second < 55 ? 0 : 1);
    expect(
      judge(
        run(120, () => 10, sizes),
        30,
        rate,
      ),
    ).toMatchObject({ rescales: 1, wrongWay: 1 });
  });

  test('that shrinks is not held against what waits because it did', () => {
    const sizes = (second: number): number => (second < 120 ? 4 : second < 140 ? 0 : 2);
    const samples = run(200, (second) => (sizes(second) === 0 ? 0 : 100), sizes);
    expect(lagSeconds(samples, 140)).toBeGreaterThan(LAG_LEVEL_SECONDS);
    expect(judge(samples, 30, rate)).toMatchObject({ rescales: 1, wrongWay: 0 });
  });

  test.each<[string, string, { readonly at: number; readonly from: number; readonly to: number; readonly late?: true }, number]>([
    ['step', 'up before the load does', { at: 100, from: 1, to: 2 }, 1],
    ['step', 'up after it', { at: 170, from: 1, to: 4 }, 0],
    ['step', 'up once more, with enough for what comes in', { at: 300, from: 4, to: 8 }, 1],
    ['step', 'up once more, to work off what waits', { at: 300, from: 4, to: 8, late: true }, 0],
    ['step', 'down to less than comes in', { at: 300, from: 4, to: 2 }, 1],
    ['ramp', 'up while the load grows', { at: 200, from: 2, to: 4 }, 0],
    ['ramp', 'up in the calm before', { at: 100, from: 1, to: 2 }, 1],
    ['ramp', 'up when it has long been level, with enough', { at: 350, from: 5, to: 8 }, 1],
    ['ramp', 'up when it has long been level, without', { at: 350, from: 4, to: 5 }, 0],
    ['ramp', 'down while it grows, to what does for now', { at: 180, from: 4, to: 2 }, 0],
    ['ramp', 'down to less than comes in', { at: 350, from: 5, to: 2 }, 1],
    ['spike', 'up when it is over', { at: 260, from: 2, to: 4 }, 1],
    ['spike', 'down when it is over', { at: 260, from: 4, to: 1 }, 0],
    ['saw', 'up in a tooth', { at: 200, from: 1, to: 4 }, 0],
    ['saw', 'up between two teeth', { at: 239, from: 2, to: 4 }, 1],
    ['saw', 'down between two teeth', { at: 239, from: 4, to: 1 }, 0],
    ['saw', 'down between two teeth, while it lags', { at: 239, from: 4, to: 1, late: true }, 1],
    ['saw', 'down in a tooth, to less than comes in', { at: 220, from: 4, to: 2 }, 1],
  ])('in %s goes %s: %j is %i moves the wrong way', (name, _, { at, from, to, late }, wrongWay) => {
    const [shape] = shapesOf(name, '');
    if (!shape) throw new Error(name);
    const samples = Array.from({ length: endOf(shape.profile) }, (_second, second): Sample => {
      const sent = recordsUntil(shape.profile, second + 1);
      const committed = late ? recordsUntil(shape.profile, second - 20) : sent;
      return { second, sent, committed, parallelism: second < at ? from : to };
    });
    expect(judge(samples, shape.from, (second) => rateAt(shape.profile, second))).toMatchObject({ rescales: 1, wrongWay });
  });
});

describe('An aim that is not met says', () => {
  const [shape] = shapesOf('spike', '');
  const runOf = (contestant: 'sluice' | 'peer', secondsToRecover: number, figures: Partial<Verdict> = {}) => ({
    lagIntegral: 0,
    mostLagSeconds: 0,
    rescales: contestant === 'sluice' ? 0 : 1,
    secondsToLastRescale: 1,
    slotSeconds: 1,
    wrongWay: 0,
    contestant,
    shape: 'spike',
    secondsToRecover,
    missing: 0,
    doubled: 0,
    sizes: [],
    reasons: [],
    machine: { load: 1, stolenPercent: 0 },
    ...figures,
  });
  const notes = (sluice: ReturnType<typeof runOf>, peer: ReturnType<typeof runOf>) =>
    aimsOf([sluice, peer], shape ? [shape] : []).map(({ note }) => note);

  test.each<[sluice: number, peer: number, note: string | undefined]>([
    [58, 0, 'the peer was never late in spike: it had more slots before the load did harm'],
    [58, 60, 'late in spike'],
    [0, 0, undefined],
    [10, 60, undefined],
  ])('of recovery after %i s and %i s: %s', (sluice, peer, note) => {
    expect(notes(runOf('sluice', sluice), runOf('peer', peer))).toEqual([note, undefined, undefined, undefined]);
  });

  test('what more slots and rescales were for', () => {
    expect(notes(runOf('sluice', 0, { slotSeconds: 9, rescales: 2, lagIntegral: 100 }), runOf('peer', 0, { lagIntegral: 500 }))).toEqual([
      undefined,
      'more in spike, for 100 order-seconds of waiting in all instead of 500',
      'not fewer in spike',
      undefined,
    ]);
  });
});

describe('The shapes', () => {
  test.each(['step', 'ramp', 'spike', 'saw'])('%s begins calm and asks for no more than eight subtasks can do', (name) => {
    const [shape] = shapesOf(name, '');
    expect(shape).toBeDefined();
    if (!shape) return;
    const rates = Array.from({ length: endOf(shape.profile) * 2 }, (_, half) => rateAt(shape.profile, half / 2));
    expect(new Set(rates.slice(0, shape.from * 2 - 1)).size).toBe(1);
    expect(Math.max(...rates)).toBeLessThan(8 * 100 * 0.7);
  });

  test.each([
    ['begins calm and ends so', '0 60\n150 60\n270 300\n400 300\n401 60\n500 60', 150],
    ['rises at its first line', '0 60\n60 300\n120 60', 0],
    ['rises in a step', '0 60\n90 60\n90 300\n200 60\n300 60', 90],
    ['falls first', '0 60\n50 30\n100 30\n150 60\n200 60', 100],
    ['never rises', '0 60\n100 60', 0],
  ])('of a file that %s is judged from where its load begins to grow', (_, text, from) => {
    const file = join(mkdtempSync(join(tmpdir(), 'profile-')), 'profile');
    writeFileSync(file, text);
    const [shape] = shapesOf('', file);
    rmSync(dirname(file), { recursive: true });
    expect(shape?.from).toBe(from);
  });

  test('a name that is none is refused with those that are', () => {
    expect(() => shapesOf('wave', '')).toThrow('step, ramp, spike, saw; not wave');
  });
});
