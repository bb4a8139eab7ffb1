import { setTimeout as sleep } from 'node:timers/promises';

/** Looks until it is as wanted; an error shows what was seen last. */
export async function eventually<T>(look: () => Promise<T>, until: (seen: T) => boolean, withinMs = 30_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (until(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}
