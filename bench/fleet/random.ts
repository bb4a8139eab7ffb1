/** Numbers that look random and repeat for a seed. */
export interface Random {
  /** From 0 (included) to 1. */
  next(): number;
  between(low: number, high: number): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** Of a mean of 1. */
  exponential(): number;
  chance(share: number): boolean;
}

/** Spreads neighbouring seeds far apart (the finaliser of MurmurHash3). */
const mix = (value: number): number => {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** A generator of 32 bits of state (Mulberry32): a month of a job draws some 10⁵ numbers, far from its period of 2³². */
export const random = (...seeds: readonly number[]): Random => {
  let state = seeds.reduce((sum, seed) => mix(sum ^ mix(seed + 0x9e3779b9)), 0);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let hash = Math.imul(state ^ (state >>> 15), state | 1);
    hash = (hash + Math.imul(hash ^ (hash >>> 7), hash | 61)) ^ hash;
    return ((hash ^ (hash >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    exponential: () => -Math.log(1 - next()),
    chance: (share) => next() < share,
  };
};
