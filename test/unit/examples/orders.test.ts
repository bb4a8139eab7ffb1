import { Tally } from '../../../examples/orders-jar/check';
import { endOf, parseProfile, rateAt, recordsUntil } from '../../../examples/orders-jar/profile';

describe('a load profile', () => {
  const step = parseProfile('0 100\n10 100 # calm\n10 400\n\n20, 400');

  test('has two points at one second for a step', () => {
    expect(step).toHaveLength(4);
    expect(endOf(step)).toBe(20);
    expect([rateAt(step, 9.99), rateAt(step, 10), rateAt(step, 19), rateAt(step, 20)]).toEqual([100, 400, 400, 0]);
  });

  test('asks for the area below its lines', () => {
    expect(recordsUntil(step, 5)).toBe(500);
    expect(recordsUntil(step, 10)).toBe(1_000);
    expect(recordsUntil(step, 15)).toBe(3_000);
    expect(recordsUntil(step, 99)).toBe(5_000);
    expect(recordsUntil(parseProfile('0 0\n10 100'), 10)).toBe(500);
  });

  test.each([
    ['0 1', /at least two lines/],
    ['0 1\n5', /line 2 .*must be a second and a rate/],
    ['0 1\n5 -2', /line 2/],
    ['5 1\n4 1', /line 2 .*lies before the line above/],
    ['0 1\n5 x', /line 2/],
  ])('that is not one is refused with its line: %j', (text, message) => {
    expect(() => parseProfile(text)).toThrow(message);
  });
});

describe('the answer to the orders', () => {
  const orders = new Map([
    ['a', 2],
    ['b', 1],
  ]);
  const answer = (...lines: string[]) => {
    const tally = new Tally();
    for (const line of lines) tally.add(line);
    return tally.compare(orders);
  };

  test('is right when every number of every customer came once, in any order', () => {
    expect(answer('a,2', 'b,1', 'a,1')).toMatchObject({ ok: true, ordersExpected: 3, ordersNumbered: 3 });
  });

  test.each([
    ['a missing order', ['a,1', 'b,1'], { missing: 1, doubled: 0, unexpected: 0 }],
    ['an order that counted twice', ['a,1', 'a,2', 'a,2', 'b,1'], { missing: 0, doubled: 1, unexpected: 0 }],
    ['state that was counted on too far', ['a,1', 'a,2', 'a,3', 'b,1'], { missing: 0, doubled: 0, unexpected: 1 }],
    ['a customer that nobody knows', ['a,1', 'a,2', 'b,1', 'c,1'], { missing: 0, doubled: 0, unexpected: 1 }],
  ])('is wrong with %s', (_, lines, counts) => {
    const found = answer(...lines);
    expect(found).toMatchObject({ ok: false, ...counts });
    expect(found.problems).toHaveLength(1);
  });
});
