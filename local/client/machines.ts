import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const machine = z.object({
  instanceId: z.string(),
  phase: z.string(),
  directory: z.string(),
  address: z.string(),
  zone: z.string(),
  tags: z.record(z.string(), z.string()),
  /** What the node says of itself; nothing before it says anything. */
  status: z.object({
    addresses: z.array(z.string()).default([]),
    processes: z.array(z.object({ name: z.string(), pid: z.int().nullable() })).default([]),
  }),
});
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

  /** Every host that is there, whatever becomes of it. */
  async all(): Promise<Machine[]> {
    return z.array(machine).parse(await this.call('GET', '/instances'));
  }

  /** The hosts of a cluster that run now. */
  async of(cluster: string, role?: 'jobmanager' | 'taskmanager'): Promise<Machine[]> {
    return (await this.all()).filter(
      ({ phase, tags }) => phase === 'booted' && tags['sluice:cluster'] === cluster && (role === undefined || tags['sluice:role'] === role),
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

  /** Ends one process of Flink on a host at once; the host stays. */
  async killProcess({ instanceId, status }: Machine): Promise<unknown> {
    const process = status.processes[0]?.name;
    if (process === undefined) throw new Error(`${instanceId} runs no process`);
    return this.call('POST', `/instances/${instanceId}/signal`, { signal: 'SIGKILL', process });
  }

  /** EC2 takes a Spot instance back at a time, and tells it so. */
  interrupt({ instanceId }: Machine, at: Date): Promise<unknown> {
    return this.call('PUT', `/instances/${instanceId}/notices`, {
      'spot/instance-action': { action: 'terminate', time: at.toISOString() },
    });
  }

  /** EC2 says that a Spot instance is at more risk to be taken than others. */
  recommendRebalance({ instanceId }: Machine): Promise<unknown> {
    return this.call('PUT', `/instances/${instanceId}/notices`, {
      'events/recommendations/rebalance': { noticeTime: new Date().toISOString() },
    });
  }

  /** EC2 plans to retire an instance in two weeks. */
  announceRetirement({ instanceId }: Machine): Promise<unknown> {
    const NotBefore = new Date(Date.now() + 14 * 86_400_000).toUTCString();
    return this.call('PUT', `/instances/${instanceId}/notices`, {
      'events/maintenance/scheduled': [{ Code: 'instance-retirement', NotBefore, EventId: `instance-event-${instanceId}` }],
    });
  }

  /** A signal to everything on a host: SIGKILL is its sudden end, SIGSTOP lets it answer nothing. */
  signal({ instanceId }: Machine, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<unknown> {
    return this.call('POST', `/instances/${instanceId}/signal`, { signal });
  }
}
