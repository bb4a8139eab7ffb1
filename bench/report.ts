/** Something that a benchmark has to reach. */
export interface Aim {
  readonly name: string;
  /** As a person reads it: «under 2 s». */
  readonly aim: string;
  /** Null: nothing was. */
  readonly measured: number | null;
  readonly met: boolean;
  /** What the number is made of, or why the aim is not met. */
  readonly note?: string;
}

export interface Report {
  readonly bench: string;
  readonly aims: readonly Aim[];
  readonly runs: unknown;
  /** Why there are no more figures. */
  readonly error?: string;
}

export const under = (name: string, limit: number, unit: string, measured: number | null, note?: string): Aim => ({
  name,
  aim: `under ${limit} ${unit}`,
  measured,
  met: measured !== null && measured < limit,
  ...(note === undefined ? {} : { note }),
});

/** Columns as wide as their widest cell; all but the first to the right. */
export const table = (title: string, header: readonly string[], rows: readonly (readonly (string | number)[])[]): string => {
  const lines = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const drawn = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   '),
  );
  return `\n${title}\n${drawn.map((line) => `  ${line.trimEnd()}`).join('\n')}\n`;
};

/** Notes stand below: they are sentences. */
export const aimsTable = (aims: readonly Aim[]): string =>
  table(
    'Aims',
    ['', 'aim', 'measured', ''],
    aims.map(({ name, aim, measured, met }) => [name, aim, measured ?? '-', met ? 'met' : 'NOT MET']),
  ) + aims.flatMap(({ name, note }) => (note === undefined ? [] : [`  ${name}: ${note}\n`])).join('');
