/** Value below which the share `q` (0–1) of the values lies, by the nearest rank. @throws without values */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((left, right) => left - right);
  const found = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (found === undefined) throw new Error('no values');
  return found;
};

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

export interface Aim {
  readonly name: string;
  readonly aim: string;
  readonly measured: number;
  readonly met: boolean;
  /** Why it is not met, or how it was measured. */
  readonly note?: string;
}

/** An aim that a number stays below a limit. */
export const below = (name: string, limit: number, measured: number, unit: string, note?: string): Aim => ({
  name,
  aim: `< ${limit} ${unit}`,
  measured: rounded(measured, 3),
  met: measured < limit,
  ...(note === undefined ? {} : { note }),
});
