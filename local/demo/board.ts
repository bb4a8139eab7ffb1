import { setTimeout as sleep } from 'node:timers/promises';
import type { JobDescription } from '../../lambdas/contracts/api';
import type { SluiceClient } from '../client/sluice-client';
import type { Airports } from './airports';
import { readSources } from './flink-page';
import type { View } from './view';

export interface BoardProps {
  readonly client: SluiceClient;
  /** Flink's own page. */
  readonly page: string;
  readonly job: JobDescription;
  readonly airports: Airports;
  readonly sent: { readonly count: number };
  readonly total: number;
  readonly view: View;
}

/** Looks at the running job once a second and shows it. */
export const watchBoard = ({ client, page, job, airports, sent, total, view }: BoardProps): { stop(): void; failed: Promise<never> } => {
  let running = true;
  let last = { at: performance.now(), read: 0 };
  const look = async (): Promise<void> => {
    const [seen, cluster, sources] = await Promise.all([
      client.job(job.cluster, job.name),
      client.cluster(job.cluster),
      readSources(page, job.flinkJobId),
    ]);
    if (seen.status === 'FAILED' || seen.status === 'CANCELED') throw new Error(`job ${job.name} is ${seen.status}: ${seen.statusReason}`);
    const now = performance.now();
    const read = sources?.read ?? last.read;
    const rate = ((read - last.read) * 1_000) / Math.max(1, now - last.at);
    last = { at: now, read };
    const checkpoints = seen.live?.checkpoints;
    view.board({
      replayed: sent.count,
      total,
      recordsPerSecond: Math.max(0, rate),
      lag: sources?.pending ?? 0,
      job: seen.live?.state ?? seen.status,
      checkpoints: {
        completed: checkpoints?.completed ?? 0,
        failed: checkpoints?.failed ?? 0,
        ...(checkpoints?.latestCompleted
          ? { lastMs: checkpoints.latestCompleted.durationMs, lastBytes: checkpoints.latestCompleted.sizeBytes }
          : {}),
      },
      taskManagers: cluster.live?.taskManagers ?? 0,
      slots: { total: cluster.live?.slotsTotal ?? 0, free: cluster.live?.slotsFree ?? 0 },
      resultRows: airports.rows,
      ...(airports.day === undefined ? {} : { day: airports.day }),
      busiest: airports.busiest(8),
    });
  };
  const loop = async (): Promise<never> => {
    while (running) {
      await look().catch((error: Error) => {
        // A look that fails once says nothing; the job's end does.
        if (running && error.message.startsWith('job ')) throw error;
      });
      await sleep(1_000);
    }
    return new Promise<never>(() => {});
  };
  const failed = loop();
  failed.catch(() => {});
  return {
    failed,
    stop: () => {
      running = false;
    },
  };
};
