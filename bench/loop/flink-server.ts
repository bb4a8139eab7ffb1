import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FlinkServer {
  readonly port: number;
  /** Paths that were asked for. */
  readonly asked: string[];
  readonly close: () => void;
}

const LAYERS = 4;
const id = (index: number): string => index.toString(16).padStart(32, '0');

/** Answers as a JobManager does that runs one job: a source of Kafka's kind, then layers of keyed vertices. Its counts go on with the clock. */
export const startFlinkServer = async (flinkJobId: string, vertices: number, parallelism: number): Promise<FlinkServer> => {
  const began = Date.now() - 600_000;
  const asked: string[] = [];
  const aggregate = (name: string, share: number) => {
    const each = /^numRecords(In|Out)$/.test(name) || /Ms$|^accumulate/.test(name) ? (Date.now() - began) * share : share * 1_000;
    return { id: name, min: each * 0.9, max: each * 1.1, avg: each, sum: each * parallelism };
  };
  const shares: Readonly<Record<string, number>> = {
    accumulateIdleTimeMs: 0.6,
    accumulateBackPressuredTimeMs: 0,
    accumulateBusyTimeMs: 0.4,
  };
  const answer = (path: string, query: URLSearchParams): unknown => {
    const names = (query.get('get') ?? '').split(',');
    if (path === '/taskmanagers')
      return {
        taskmanagers: [0, parallelism].map((freeSlots, host) => ({
          id: `i-${host}-1`,
          path: `pekko.tcp://flink@127.0.0.${host + 1}:6123/user/rpc/taskmanager_0`,
          slotsNumber: parallelism,
          freeSlots,
        })),
      };
    if (path === '/jobs/overview')
      return {
        jobs: [
          {
            jid: flinkJobId,
            name: 'bench',
            state: 'RUNNING',
            'start-time': began,
            tasks: { total: vertices * parallelism, running: vertices * parallelism, finished: 0 },
          },
        ],
      };
    if (path === '/taskmanagers/metrics') return names.map((name) => ({ id: name, min: 0.2, max: 0.3 }));
    if (path.endsWith('/checkpoints'))
      return {
        counts: { completed: 60, failed: 0 },
        history: Array.from({ length: 10 }, () => ({ status: 'COMPLETED', is_savepoint: false })),
        latest: { completed: { latest_ack_timestamp: Date.now() - 4_000, state_size: 1_000_000, end_to_end_duration: 300 } },
      };
    if (path.endsWith('/subtasks/metrics')) {
      if (!query.has('get'))
        return ['Source__orders.pendingRecords', 'Source__orders.currentOutputWatermark', 'Source__orders.numRecordsOut'].map((name) => ({
          id: name,
        }));
      return names.map((name) =>
        /Watermark$/.test(name)
          ? { id: name, min: Date.now() - 3_000, max: Date.now(), avg: 0, sum: 0 }
          : aggregate(name, shares[name] ?? 0.5),
      );
    }
    if (path.endsWith('/metrics')) return [{ id: 'numRestarts', value: '0' }];
    return {
      jid: flinkJobId,
      state: 'RUNNING',
      vertices: Array.from({ length: vertices }, (_, index) => ({
        id: id(index),
        name: `vertex ${index} -> with an operator or two behind it`,
        slotSharingGroupId: id(0),
        parallelism,
        maxParallelism: 720,
        tasks: { RUNNING: parallelism, FINISHED: 0 },
        metrics: { 'read-records-complete': true, 'write-records-complete': true },
      })),
      plan: {
        nodes: Array.from({ length: vertices }, (_, index) => ({
          id: id(index),
          ...(index === 0 ? {} : { inputs: [{ id: id(Math.max(0, index - LAYERS)), ship_strategy: 'HASH' }] }),
        })),
      },
    };
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://flink');
    asked.push(url.pathname);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(url.pathname, url.searchParams)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
