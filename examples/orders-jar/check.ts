import { readCommitted } from '../read-committed';

export interface Answer {
  readonly ok: boolean;
  readonly ordersExpected: number;
  /** Orders that were numbered, once or more. */
  readonly ordersNumbered: number;
  readonly missing: number;
  /** The same number given twice: an order that counted again. */
  readonly doubled: number;
  /** Numbers that no order has. */
  readonly unexpected: number;
  /** The first ten, for a person. */
  readonly problems: readonly string[];
}

/** Counts lines `customer,number` against the orders of each customer: every number from 1 to the customer's orders has to come exactly once. */
export class Tally {
  private readonly seen = new Map<string, Map<number, number>>();
  rows = 0;

  add(line: string): void {
    this.rows += 1;
    const comma = line.lastIndexOf(',');
    const customer = line.slice(0, comma);
    const numbers = this.seen.get(customer) ?? new Map<number, number>();
    this.seen.set(customer, numbers);
    const number = Number(line.slice(comma + 1));
    numbers.set(number, (numbers.get(number) ?? 0) + 1);
  }

  compare(orders: ReadonlyMap<string, number>): Answer {
    const problems: string[] = [];
    let [expected, numbered, missing, doubled, unexpected] = [0, 0, 0, 0, 0];
    for (const [customer, count] of orders) {
      expected += count;
      for (let number = 1; number <= count; number += 1) {
        const times = this.seen.get(customer)?.get(number) ?? 0;
        if (times > 0) numbered += 1;
        else missing += 1;
        if (times > 1) doubled += times - 1;
        if (times !== 1) problems.push(`order ${number} of ${customer} came ${times} times`);
      }
    }
    for (const [customer, numbers] of this.seen)
      for (const number of numbers.keys())
        if (!(number >= 1 && number <= (orders.get(customer) ?? 0))) {
          unexpected += 1;
          problems.push(`${customer} has no order ${number}`);
        }
    return {
      ok: problems.length === 0 && expected > 0,
      ordersExpected: expected,
      ordersNumbered: numbered,
      missing,
      doubled,
      unexpected,
      problems: problems.slice(0, 10),
    };
  }
}

export interface CheckOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly orders: ReadonlyMap<string, number>;
  /** Gives up waiting for missing orders after this long, s. @default 120 */
  readonly withinSeconds?: number;
  /** After the last expected order, reads on for this long, so that one that comes twice is seen, s. @default 3 */
  readonly settleSeconds?: number;
  readonly signal?: AbortSignal;
}

/** Reads the answer from Kafka (committed records only) until all of it is there, or time is up. */
export const checkAnswer = async ({ orders, withinSeconds = 120, settleSeconds = 3, ...read }: CheckOptions): Promise<Answer> => {
  const tally = new Tally();
  const expected = [...orders.values()].reduce((sum, count) => sum + count, 0);
  const deadline = Date.now() + withinSeconds * 1_000;
  let complete: number | undefined;
  await readCommitted({
    ...read,
    onValue: (value) => tally.add(value.toString('utf8')),
    done: ({ atEnd }) => {
      if (tally.rows >= expected) complete ??= Date.now();
      return Date.now() > deadline || (atEnd && complete !== undefined && Date.now() > complete + settleSeconds * 1_000);
    },
  });
  return tally.compare(orders);
};
