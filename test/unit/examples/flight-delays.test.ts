import { compare } from '../../../examples/flight-delays/compare';
import { type AirportDay, expectedAnswer } from '../../../examples/flight-delays/expected';
import { openReports } from '../../../examples/flight-delays/flights';
import { renderJob } from '../../../examples/flight-delays/job';
import { committed } from '../../../examples/read-committed';

const row = (origin: string, more: Partial<AirportDay> = {}): AirportDay => ({
  origin,
  day: '2001-01-01',
  flights: 3,
  mean_delay: 1 / 3,
  delayed_share: 0,
  ...more,
});

describe('The comparison', () => {
  const expected = [row('ATL'), row('LAX'), row('JFK')];
  it.each([
    ['the same rows in another order', [row('JFK'), row('ATL'), row('LAX')], { ok: true, rowsCompared: 3 }],
    ['a mean that differs in the last digit', [row('ATL', { mean_delay: 1 / 3 + 1e-15 }), row('LAX'), row('JFK')], { ok: true }],
    ['one flight too few', [row('ATL', { flights: 2 }), row('LAX'), row('JFK')], { ok: false, rowsWrong: 1, rowsCompared: 3 }],
    ['a mean that differs', [row('ATL', { mean_delay: 0.3334 }), row('LAX'), row('JFK')], { ok: false, rowsWrong: 1 }],
    ['a row that comes twice', [row('ATL'), row('LAX'), row('JFK'), row('LAX')], { ok: false, rowsDoubled: 1, rowsWrong: 0 }],
    ['a row that is missing', [row('ATL'), row('LAX')], { ok: false, rowsMissing: 1, rowsCompared: 2 }],
    ['a row that nobody expects', [...expected, row('END')], { ok: false, rowsUnexpected: 1 }],
    ['nothing', [], { ok: false, rowsMissing: 3, rowsCompared: 0 }],
  ])('judges %s', (_, actual, verdict) => {
    expect(compare(expected, actual)).toMatchObject(verdict);
  });

  it('does not call nothing against nothing right', () => {
    expect(compare([], []).ok).toBe(false);
  });
});

describe('Reading committed rows', () => {
  const [transactional, control] = [1 << 4, (1 << 4) | (1 << 5)];
  const batch = (firstOffset: number, producerId: number, attributes: number, count: number, key = Buffer.alloc(0)) => ({
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: count - 1,
    producerId: BigInt(producerId),
    attributes,
    records: Array.from({ length: count }, (_, offsetDelta) => ({ offsetDelta, key, value: Buffer.from(`${firstOffset + offsetDelta}`) })),
  });
  const marker = (offset: number, producerId: number, type: 'abort' | 'commit') =>
    batch(offset, producerId, control, 1, Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0]));
  const read = (batches: unknown[], aborted: [number, number][]) =>
    [
      ...committed(
        batches as Parameters<typeof committed>[0],
        aborted.map(([id, first]) => ({ producerId: BigInt(id), firstOffset: BigInt(first) })),
      ),
    ].map(({ offset }) => Number(offset));

  it.each([
    ['a committed transaction', [batch(0, 7, transactional, 2), marker(2, 7, 'commit')], [], [0, 1]],
    ['an aborted one', [batch(0, 7, transactional, 2), marker(2, 7, 'abort')], [[7, 0]], []],
    ['an aborted one whose marker is in the next answer', [batch(0, 7, transactional, 2)], [[7, 0]], []],
    [
      'two aborted ones of one producer, with a committed one between them',
      [
        batch(0, 7, transactional, 1),
        marker(1, 7, 'abort'),
        batch(2, 7, transactional, 1),
        marker(3, 7, 'commit'),
        batch(4, 7, transactional, 1),
        marker(5, 7, 'abort'),
      ],
      [
        [7, 0],
        [7, 4],
      ],
      [2],
    ],
    [
      'another producer beside an aborted one',
      [batch(0, 7, transactional, 1), batch(1, 8, transactional, 1), marker(2, 7, 'abort')],
      [[7, 0]],
      [1],
    ],
    ['records outside of transactions', [batch(0, -1, 0, 2)], [], [0, 1]],
  ] as [string, unknown[], [number, number][], number[]][])('keeps what is committed of %s', (_, batches, aborted, offsets) => {
    expect(read(batches, aborted)).toEqual(offsets);
  });
});

describe('The flights', () => {
  it('are the same for the same seed, and in another order for another', async () => {
    const first = await expectedAnswer({ limit: 5_000 });
    expect(await expectedAnswer({ limit: 5_000 })).toEqual(first);
    expect(await expectedAnswer({ limit: 5_000, seed: 2 })).not.toEqual(first);
  });

  it('that count are never further behind than the watermark, so that none of them can be dropped; some do not count', async () => {
    const reports = await openReports({ limit: 50_000 });
    const [result] = (
      await reports.runAndReadAll(`
        WITH sent AS (
          SELECT departed, reported <= departed + INTERVAL 3 HOUR AS counts,
            max(departed) OVER (ORDER BY reported, id ROWS UNBOUNDED PRECEDING) - INTERVAL 3 HOUR AS watermark
          FROM reports)
        SELECT count(*) FILTER (counts AND departed < watermark)::INTEGER AS dropped,
          count(*) FILTER (NOT counts)::INTEGER AS excluded, count(*) FILTER (departed < watermark)::INTEGER AS behind FROM sent`)
    ).getRowObjectsJS();
    reports.closeSync();
    expect(result).toEqual({ dropped: 0, excluded: 97, behind: 94 });
  });

  it.each([{ limit: 0 }, { limit: 1.5 }, { seed: -1 }])('are not made of %j', async (selection) => {
    await expect(expectedAnswer(selection)).rejects.toThrow(/must be/);
  });
});

describe('The job', () => {
  it('is one script with every placeholder filled in', () => {
    const script = renderJob({ bootstrapServers: 'a:9092,b:9092', transactionalIdPrefix: 'team-1' });
    expect(script).toContain("'properties.bootstrap.servers' = 'a:9092,b:9092'");
    expect(script).toContain("'sink.transactional-id-prefix' = 'team-1'");
    expect(script).not.toMatch(/= '\$\{/);
  });

  it('takes no value that could end its SQL string', () => {
    expect(() => renderJob({ bootstrapServers: "a'; DROP TABLE flights; --" })).toThrow(/bootstrapServers cannot be/);
  });
});
