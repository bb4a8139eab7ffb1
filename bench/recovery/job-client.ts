import { createReadStream, statSync } from 'node:fs';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';

/** The product's own client, and two answers that it does not need. */
export class JobClient {
  readonly flink: FlinkPort;
  private readonly url: string;

  constructor(address: string) {
    this.flink = connectFlink({ timeoutMs: 3_000 })([address]);
    this.url = `http://${address}:8081`;
  }

  upload(jar: string): Promise<string> {
    return this.flink.uploadJar('recovery.jar', createReadStream(jar), statSync(jar).size);
  }

  /** When Flink took note of the job's latest failures, ms since 1970, the newest first. */
  async failuresAt(flinkJobId: string): Promise<readonly number[]> {
    const seen = (await this.get(`/jobs/${flinkJobId}/exceptions?maxExceptions=5`)) as
      | { exceptionHistory?: { entries: { timestamp: number }[] } }
      | undefined;
    return seen?.exceptionHistory?.entries.map(({ timestamp }) => timestamp) ?? [];
  }

  async latestCheckpoint(
    flinkJobId: string,
  ): Promise<{ readonly triggeredAt: number; readonly completedAt: number; readonly stateBytes: number } | undefined> {
    const seen = (await this.get(`/jobs/${flinkJobId}/checkpoints`)) as
      | { latest?: { completed?: { trigger_timestamp: number; latest_ack_timestamp: number; state_size: number } | null } }
      | undefined;
    const latest = seen?.latest?.completed;
    return latest
      ? { triggeredAt: latest.trigger_timestamp, completedAt: latest.latest_ack_timestamp, stateBytes: latest.state_size }
      : undefined;
  }

  async up(): Promise<boolean> {
    return (await this.get('/jobs/overview')) !== undefined;
  }

  private async get(path: string): Promise<unknown> {
    try {
      const answer = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(2_000) });
      return answer.ok ? await answer.json() : undefined;
    } catch {
      return undefined;
    }
  }
}
