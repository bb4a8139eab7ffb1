import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const machine = z.object({ instanceId: z.string(), phase: z.string(), address: z.string(), tags: z.record(z.string(), z.string()) });
/** An emulated instance and the processes that stand for it. */
export type Machine = z.infer<typeof machine>;

/** The fleet agent's control port: what only a person at the machines could do. */
export class Machines {
  constructor(private readonly stateDir: string) {}

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const url = `${readFileSync(join(this.stateDir, 'fleet/fleet.url'), 'utf8').trim()}${path}`;
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** The hosts of a cluster that run now. */
  async of(cluster: string, role?: 'jobmanager' | 'taskmanager'): Promise<Machine[]> {
    return z
      .array(machine)
      .parse(await this.call('GET', '/instances'))
      .filter(
        ({ phase, tags }) =>
          phase === 'booted' && tags['sluice:cluster'] === cluster && (role === undefined || tags['sluice:role'] === role),
      );
  }

  /** All hosts of a zone stand still (or are dead), and EC2 has no means to end or to start one there. @param announced AWS says so by an event */
  loseZone(zone: string, signal: 'SIGSTOP' | 'SIGKILL', announced: boolean): Promise<unknown> {
    return this.call('POST', `/zones/${zone}/lose`, { signal, announced });
  }

  /** What stood still goes on; EC2 ends what it was asked to end only after this time. */
  returnZone(zone: string, zombieSeconds: number): Promise<unknown> {
    return this.call('POST', `/zones/${zone}/return`, { zombieSeconds });
  }

  /** A signal to everything on a host: SIGKILL is its sudden end, SIGSTOP lets it answer nothing. */
  signal({ instanceId }: Machine, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<unknown> {
    return this.call('POST', `/instances/${instanceId}/signal`, { signal });
  }
}
