import { byKind, dealt, Flow, numbersFrom, soak } from '../../../local/demo/scenarios/soak';

const some = (seed: number, count: number): string[] => {
  const deal = dealt(['host', 'zone', 'table', 'events'], numbersFrom(seed));
  return Array.from({ length: count }, () => deal.next().value);
};

test('the same seed gives the same faults, another one others, and each kind comes before any comes again', () => {
  expect(some(7, 12)).toEqual(some(7, 12));
  expect(new Set([1, 2, 3, 4, 5].map((seed) => some(seed, 12).join())).size).toBe(5);
  for (const round of [0, 4, 8]) expect(new Set(some(7, 12).slice(round, round + 4)).size).toBe(4);
});

test('a kind of fault that there is not is refused', () => {
  expect(() => soak({ minutes: 1, seed: 1, faults: ['flood'] })).toThrow(/--faults knows .*zone-lost.*; not flood/);
});

describe('a fault’s account', () => {
  let [seconds, sent, committed] = [0, 0, 0];
  const flow = () => new Flow({ seconds: () => seconds, figures: () => ({ sent, committed }), say: () => undefined });
  /** Ten orders a second come; `numbered`: how many are committed at each tenth of a second. */
  const pass = (one: Flow, until: number, numbered: () => number): void => {
    for (; seconds < until; seconds = Math.round(seconds * 10 + 1) / 10) {
      sent = Math.floor(seconds * 10);
      committed = numbered();
      one.look();
    }
  };
  beforeEach(() => {
    [seconds, sent, committed] = [0, 0, 0];
  });

  test('ends when an order is numbered that was sent after the blow, not one that was under way', () => {
    const one = flow();
    pass(one, 10, () => sent - 5);
    one.begin('host');
    pass(one, 20, () => (seconds >= 17 ? sent : seconds >= 12 ? 99 : 94));
    expect(one.accounts).toEqual([expect.objectContaining({ fault: 'host', at: 10, secondsToNewResults: 7 })]);
    expect(one.accounts[0]?.longestSilenceSeconds).toBeCloseTo(5, 0);
  });

  test('goes on through the next fault while its own results have not come', () => {
    const one = flow();
    pass(one, 10, () => sent);
    one.begin('zone');
    pass(one, 20, () => 99);
    one.begin('table');
    pass(one, 30, () => (seconds >= 25 ? sent : 99));
    expect(one.accounts.map(({ secondsToNewResults }) => secondsToNewResults)).toEqual([15, 5]);
  });

  test('without new results by the end is one of never, and counted as such', () => {
    const one = flow();
    pass(one, 10, () => sent);
    one.begin('zone');
    pass(one, 20, () => 99);
    expect(byKind(one.accounts)).toEqual([{ fault: 'zone', times: 1, silenceP50: 9.9, silenceP95: 9.9 }]);
  });
});
