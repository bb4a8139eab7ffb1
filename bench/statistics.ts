/** Nearest rank: the smallest of the values that at least `share` of them do not exceed. @throws without values */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
};

/** The middle value; of an even number, the mean of the two in the middle. @throws without values */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const high = sorted[half];
  if (high === undefined) throw new Error('nothing was measured');
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? high) + high) / 2;
};

/** To so many decimals, as a number. */
export const rounded = (value: number, decimals = 1): number => Number(value.toFixed(decimals));
