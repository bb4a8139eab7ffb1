import type { AirportDay } from './expected';
import { type ResultsOptions, readResults } from './results';

export interface Comparison {
  readonly ok: boolean;
  readonly rowsExpected: number;
  /** Expected rows that are there, once or more. */
  readonly rowsCompared: number;
  readonly rowsWrong: number;
  readonly rowsMissing: number;
  /** Rows that came again, also with the same content. */
  readonly rowsDoubled: number;
  /** Rows of an airport and day that nobody expects. */
  readonly rowsUnexpected: number;
  /** The first ten, for a person. */
  readonly problems: readonly string[];
}

/** Relative: both sides divide the same whole numbers, so only printing and reading lies between them. */
const TOLERANCE = 1e-9;

export const keyOf = (row: AirportDay): string => `${row.origin} ${row.day}`;

export function compare(expected: readonly AirportDay[], actual: readonly AirportDay[]): Comparison {
  const problems: string[] = [];
  const wanted = new Map(expected.map((row) => [keyOf(row), row]));
  const seen = new Set<string>();
  const counts = { rowsWrong: 0, rowsDoubled: 0, rowsUnexpected: 0 };
  const problem = (kind: keyof typeof counts, row: AirportDay, right?: AirportDay): void => {
    counts[kind] += 1;
    problems.push(`${kind}: ${JSON.stringify(row)}${right ? `, expected ${JSON.stringify(right)}` : ''}`);
  };
  for (const row of actual) {
    const right = wanted.get(keyOf(row));
    if (!right) problem('rowsUnexpected', row);
    else if (seen.has(keyOf(row))) problem('rowsDoubled', row);
    else {
      seen.add(keyOf(row));
      if (!equal(row, right)) problem('rowsWrong', row, right);
    }
  }
  for (const [key, row] of wanted) if (!seen.has(key)) problems.push(`rowsMissing: ${JSON.stringify(row)}`);
  return {
    ok: problems.length === 0 && expected.length > 0,
    rowsExpected: wanted.size,
    rowsCompared: seen.size,
    rowsMissing: wanted.size - seen.size,
    ...counts,
    problems: problems.slice(0, 10),
  };
}

export interface CompareOptions extends Pick<ResultsOptions, 'bootstrapServers' | 'topic' | 'signal'> {
  readonly expected: readonly AirportDay[];
  /** Gives up waiting for missing rows after this long, s. @default 120 */
  readonly withinSeconds?: number;
  /** After the last expected row, reads on for this long, so that a row that comes twice is seen, s. @default 3 */
  readonly settleSeconds?: number;
  readonly onRow?: (row: AirportDay, progress: { readonly seen: number; readonly expected: number }) => void;
}

/** Reads the result topic from its beginning until every expected row is there (or time is up), and compares row by row. */
export async function compareResults(options: CompareOptions): Promise<Comparison> {
  const { expected, withinSeconds = 120, settleSeconds = 3, onRow, ...reading } = options;
  const rows: AirportDay[] = [];
  const missing = new Set(expected.map(keyOf));
  const deadline = performance.now() + withinSeconds * 1_000;
  let complete: number | undefined;
  await readResults({
    ...reading,
    onRow: (row) => {
      rows.push(row);
      missing.delete(keyOf(row));
      onRow?.(row, { seen: expected.length - missing.size, expected: expected.length });
    },
    done: ({ atEnd }) => {
      const now = performance.now();
      if (missing.size === 0) complete ??= now;
      return now > deadline || (atEnd && complete !== undefined && now - complete > settleSeconds * 1_000);
    },
  });
  return compare(expected, rows);
}

function equal(a: AirportDay, b: AirportDay): boolean {
  return a.flights === b.flights && near(a.mean_delay, b.mean_delay) && near(a.delayed_share, b.delayed_share);
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}
