/** The only way that code below the handlers learns the time. */
export type Clock = () => Date;

/** The instant so many seconds after another, or before it. ISO 8601 */
export const later = (instant: string, seconds: number): string => new Date(Date.parse(instant) + seconds * 1_000).toISOString();

export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1_000;

/** A pause that doubles with everything that came before, in the unit of its bounds. */
export const growingPause = (first: number, before: number, most: number): number => Math.min(most, first * 2 ** before);
