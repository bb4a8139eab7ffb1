import { vertexSeen } from '../../../../lambdas/contracts/scaling';
import { lastDay } from '../../../../lambdas/domain/scaling/calm';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import { AT_ONCE, defaults, from, later, NOW, observed, past, settings, vertex } from './examples';
import { daily, HOUR, run } from './plant';

const out = (hoursAgo: number, less: number, more: number, urgent = false) =>
  past({ at: later(-hoursAgo * HOUR), from: { v: less }, to: { v: more }, ...(urgent ? { urgent } : {}) });
const down = (hoursAgo: number, more: number, less: number) => past({ at: later(-hoursAgo * HOUR), from: { v: more }, to: { v: less } });

describe('What a burst asked for', () => {
  test.each([
    ['is not counted among the rescales of the day', [out(5, 4, 8), out(4, 8, 30, true)], 1],
    ['nor is the way back, in as many steps as it takes', [out(5, 4, 8), out(4, 8, 30, true), down(3, 30, 12), down(2, 12, 8)], 1],
    ['what comes after the way back is', [out(5, 4, 8, true), down(4, 8, 4), out(3, 4, 6), down(2, 6, 4)], 2],
    ['a day without bursts is counted as a whole', [out(5, 4, 8), down(4, 8, 4), out(3, 4, 8), down(2, 8, 4)], 4],
  ])('%s', (_, history, rescales) => {
    expect(lastDay(history, settings(), NOW)).toMatchObject({ rescales });
  });

  test('is given back the same day, although the rescales of the day are used up', () => {
    const history = [out(9, 4, 6), down(8, 6, 4), out(7, 4, 8), out(6, 8, 10)];
    const idle = vertex('v', { parallelism: 10, busy: 0.1 });
    const decide = (then: typeof history) =>
      decideScaling(observed([idle], { history: then }), settings({ ...AT_ONCE, flapSeconds: 0 }), NOW);
    expect(decide(history).action).toEqual({ kind: 'hold' });
    expect(decide([...history.slice(0, 3), out(6, 8, 10, true)]).action).toMatchObject({ kind: 'rescale', direction: 'in' });
  });

  test('costs hours, not a day: ten minutes of five times the load on a daily curve', () => {
    const curve = daily(200, 600);
    const burst = (seconds: number) => curve(seconds) * (seconds > 30 * HOUR && seconds < 30 * HOUR + 600 ? 5 : 1);
    const { rescales } = run(burst, { seconds: 48 * HOUR, start: 10, desired: defaults() });
    const most = Math.max(...rescales.map(({ to }) => to));
    const highest = rescales.find(({ to }) => to === most);
    const back = rescales.find(({ seconds, to }) => seconds > (highest?.seconds ?? 0) && to <= 14);
    expect(highest?.seconds).toBeGreaterThan(30 * HOUR);
    expect(back && back.seconds - (highest?.seconds ?? 0)).toBeLessThan(3 * HOUR);
  });
});

describe('Scale-ins of a day', () => {
  const comings = (times: number) =>
    Array.from({ length: times }, (_, index) => [down(20 - 2 * index, 8, 4), out(19 - 2 * index, 4, 8)]).flat();
  test.each<[string, number, ReturnType<typeof comings>, number | null]>([
    ['the first needs to save little', 4, [], 0.2],
    ['the second has to save more, since a rise may need what is left', 4, [down(5, 8, 4)], 0.45],
    ['of four rescales no third one is left', 4, [down(5, 8, 6), down(4, 6, 4)], null],
    ['whoever allows more rescales gets more of them', 20, comings(4), 0.2],
    ['until as many are left as are to be kept for rises', 12, comings(4), null],
    ['whoever allows two gets one', 2, [down(5, 8, 4)], null],
  ])('%s', (_, rescalesPerDay, history, leastSaving) => {
    expect(lastDay(history, settings({ rescalesPerDay }), NOW).leastSaving).toBe(leastSaving);
  });
});

describe('A scale-out', () => {
  test('after which few are left of the day is held to a size that was enough only where the job was raised to that before', () => {
    const busy = vertex('v', { parallelism: 8, busy: 0.99, pendingRecords: 0, pendingRecordsGrowth: 0 });
    const to = (...history: ReturnType<typeof past>[]) => {
      const { action } = decideScaling(observed([busy], { history, fleet: { slotsFree: 40 } }), settings(AT_ONCE), NOW);
      return action.kind === 'rescale' ? action.to.v : action.kind;
    };
    // Three of the day are used up, so that the last has to do: for 2.2 times what comes in, or what was enough for yesterday's peak.
    const day = [down(10, 13, 8), down(6, 8, 4), out(2, 4, 8)];
    expect(to(out(30, 8, 13), ...day)).toBe(13);
    expect(to(...day)).toBe(25);
  });

  test('gives vertices that would be short next theirs along with it', () => {
    const [source, work] = [vertex('source', { busy: 0.8 }), vertex('work', { busy: 0.95, inputs: from('source') })];
    const { action } = decideScaling(observed([source, work], { fleet: { slotsFree: 10 } }), settings(AT_ONCE), NOW);
    expect(action).toMatchObject({ to: { source: 5, work: 6 } });
    expect(decideScaling(observed([source]), settings(AT_ONCE), NOW).action).toEqual({ kind: 'none' });
  });
});

describe('A scale-in', () => {
  const keyed = (busy: { mean: number; worst: number }, parallelism: number) =>
    vertexSeen.parse({ ...vertex('v', { parallelism, busy: 0 }), busy });

  test('of a vertex with a hot key goes by the mean and what the busiest subtask has on top', () => {
    // The busiest does 0.35 for its hot key and 0.05 of what all share: with 15 subtasks it would be 0.35 + 0.05 · 100 / 15 = 0.68.
    const { action } = decideScaling(observed([keyed({ mean: 0.05, worst: 0.4 }, 100)]), settings({ ...AT_ONCE, uMin: 0.6 }), NOW);
    expect(action).toMatchObject({ direction: 'in', to: { v: 15 } });
  });

  test('leaves as many slots as the processors need for what they do now', () => {
    const waits = vertex('v', { parallelism: 66, busy: 0.24 });
    const at = (cpuLoad: number) =>
      decideScaling(observed([waits], { job: { taskManagers: { cpuLoad, gcShare: 0, heapAfterGcShare: 0.3 } } }), settings(AT_ONCE), NOW);
    expect(at(0.1).action).toMatchObject({ to: { v: 23 } });
    const shared = at(0.41);
    expect(shared.action).toMatchObject({ to: { v: 31 } });
    expect(shared.explanation.map(({ text }) => text)).toContain(
      'v keeps 31: with fewer, the processors would have more to do than they can',
    );
    // What others do on the same hosts does not keep an idle vertex large.
    const idle = vertex('v', { parallelism: 66, busy: 0.01 });
    const busyHosts = observed([idle], { job: { taskManagers: { cpuLoad: 0.9, gcShare: 0, heapAfterGcShare: 0.3 } } });
    expect(decideScaling(busyHosts, settings(AT_ONCE), NOW).action).toMatchObject({ to: { v: 2 } });
  });
});
