/** A point of a load shape: from one to the next the rate changes in a straight line; two at the same second make a step. */
export interface LoadPoint {
  readonly second: number;
  readonly recordsPerSecond: number;
}

/** Lines of seconds and records per second, `#` begins a comment. @throws with the line that is wrong */
export const parseProfile = (text: string): readonly LoadPoint[] => {
  const points: LoadPoint[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') continue;
    const [second, rate, ...rest] = content.split(/[\s,;]+/).map(Number);
    const wrong = (why: string): Error => new Error(`line ${index + 1} of the load profile (${line.trim()}): ${why}`);
    if (second === undefined || rate === undefined || rest.length > 0 || !(second >= 0) || !(rate >= 0) || !Number.isFinite(second + rate))
      throw wrong('must be a second and a rate, both numbers from 0');
    if (second < (points.at(-1)?.second ?? 0)) throw wrong('lies before the line above');
    points.push({ second, recordsPerSecond: rate });
  }
  if (points.length < 2) throw new Error('a load profile has at least two lines: its begin and its end');
  return points;
};

/** Records that a profile has asked for from its begin to a second (fractions too): the area below its lines. */
export const recordsUntil = (profile: readonly LoadPoint[], second: number): number => {
  let records = 0;
  for (const [index, from] of profile.entries()) {
    const to = profile[index + 1];
    if (!to || from.second >= second) break;
    const part = Math.min(second, to.second) - from.second;
    const width = to.second - from.second;
    if (width === 0) continue;
    const rateThere = from.recordsPerSecond + ((to.recordsPerSecond - from.recordsPerSecond) * part) / width;
    records += (part * (from.recordsPerSecond + rateThere)) / 2;
  }
  return records;
};

/** The rate that a profile asks for at a second; 0 outside it. */
export const rateAt = (profile: readonly LoadPoint[], second: number): number => {
  const index = profile.findLastIndex((point) => point.second <= second);
  const [from, to] = [profile[index], profile[index + 1]];
  if (!from || !to) return 0;
  return from.recordsPerSecond + ((to.recordsPerSecond - from.recordsPerSecond) * (second - from.second)) / (to.second - from.second);
};

export const endOf = (profile: readonly LoadPoint[]): number => profile.at(-1)?.second ?? 0;
