import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { OperationView } from '../../lambdas/contracts/api';
import type { Phase } from '../../lambdas/contracts/operation';
import { classesPrefix } from '../../lambdas/domain/state-paths';
import { operationsOf } from '../../local/demo/scenarios/leftovers';
import { runScenario } from '../../local/demo/scenarios/run';
import type { Play, Scenario } from '../../local/demo/scenarios/scenario';
import { FAULTS } from '../../local/demo/scenarios/soak-faults';
import { readSettings } from '../../local/twin/settings';
import { Twin } from '../../local/twin/twin';
import { type Busyness, describeBusyness, MachineWatch } from '../machine';
import { type Aim, table, under } from '../report';
import { percentile } from '../statistics';

/** Whether hosts of the next zone stand by (`placement.failover.capacity`). */
export type Capacity = 'cold' | 'warm';

/** One zone that was lost, in seconds. */
export interface LostZone {
  /** From the loss to the operation. */
  readonly noticed: number;
  /** From the loss until all jobs are started from the state that was chosen for them, without waiting for hosts: what state machine and functions take. */
  readonly own: number;
  /** From asking for hosts until their slots are registered: instances that are made, boot, and start Flink. */
  readonly hosts: number;
  /** From there until all their tasks run. */
  readonly restore: number;
  /** From the loss until results of orders that came after it are committed. */
  readonly newResults: number;
  /** From the loss until a first checkpoint of each job is complete. */
  readonly checkpoint: number;
}

export interface ZoneSeries {
  readonly fault: 'zone';
  readonly capacity: Capacity;
  readonly measured: readonly LostZone[];
  /** Orders that are missing from the answer, and orders that came twice. */
  readonly wrong: number;
  readonly machine: Busyness;
  readonly problem?: string;
}

const RATE = 100;
/** A loss, the move, and some quiet before the next; where hosts stand by, the sweeper's minute and their boot too. */
const SECONDS_EACH: Readonly<Record<Capacity, number>> = { cold: 75, warm: 210 };
/** Until the sweeper has seen that there is no reserve, and it has booted. */
const RESERVE_SECONDS = 180;
const QUIET_SECONDS = 8;
/** Until a JobManager's host and a TaskManager's have each made an archive of classes; a cluster that is a few minutes old has them. */
const ARCHIVES_SECONDS = 300;

const between = (from: string | undefined, to: string | undefined): number =>
  from === undefined || to === undefined ? Number.NaN : (Date.parse(to) - Date.parse(from)) / 1_000;

/** @param lostAt ISO 8601 */
const partsOf = ({ phases, requestedAt }: OperationView, lostAt: string, newResults: number): LostZone => {
  const last = (name: string): Phase | undefined => phases.findLast((phase) => phase.name === name);
  const asked = (last('Create fleet') ?? last('Take over the jobs'))?.endedAt;
  const there = last('Look for slots')?.endedAt;
  const started = last('Start jobs')?.endedAt;
  const noticed = between(lostAt, requestedAt);
  return {
    noticed,
    own: noticed + between(requestedAt, asked) + between(there, started),
    hosts: between(asked, there),
    restore: between(started, last('Look at the jobs')?.endedAt),
    newResults,
    checkpoint: between(lostAt, last('Look for first checkpoints')?.endedAt),
  };
};

/** Loses the zone of a cluster, with the hosts and the capacity in it, again and again; each comes back after the cluster has moved. */
const zoneAfterZone = (
  { capacity, measured, machine }: { readonly capacity: Capacity; readonly measured: LostZone[]; readonly machine: MachineWatch },
  count: number,
  progress: (line: string) => void,
): Scenario => {
  const end = ARCHIVES_SECONDS + (count + 1) * SECONDS_EACH[capacity];
  return {
    title: `${count} zones are lost, one after the other (capacity: ${capacity}).`,
    cluster: { name: 'orders', size: 'dev', overrides: { taskManagers: { min: 1, max: 2 } }, placement: { failover: { capacity } } },
    millis: 5,
    job: {
      parallelism: 2,
      flinkConfiguration: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' },
    },
    profile: [
      { second: 0, recordsPerSecond: RATE },
      { second: end, recordsPerSecond: RATE },
    ],
    act: async (play) => {
      await play.until('a first result', 120, async () => play.figures().committed > 5 * RATE);
      await archivesStored(play);
      for (let index = 0; index <= count && play.seconds() < end - SECONDS_EACH[capacity]; index += 1) {
        if (capacity === 'warm') await reserveReady(play);
        await sleep(QUIET_SECONDS * 1_000 + Math.random() * 1_000, undefined, { signal: play.signal });
        const loss = await lose(play);
        // The first finds functions, classes and caches cold.
        if (index > 0) measured.push(loss);
        machine.look();
        progress(
          `zone ${index} of ${count}, ${capacity}: new results ${loss.newResults.toFixed(1)} s after the loss, ${loss.own.toFixed(1)} s of them Sluice's own`,
        );
      }
      play.endOrders();
      return {};
    },
  };
};

const archivesStored = async ({ twin, cluster, until }: Play): Promise<void> => {
  const s3 = new S3Client({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials, forcePathStyle: true });
  const list = new ListObjectsV2Command({ Bucket: twin.stateBucket, Prefix: `${classesPrefix(cluster)}/` });
  await until('archives of classes', ARCHIVES_SECONDS, async () => ((await s3.send(list)).KeyCount ?? 0) >= 2);
};

const reserveReady = async ({ client, cluster, until }: Play): Promise<void> => {
  await until('a reserve', RESERVE_SECONDS, async () => {
    const { reserve, operation } = await client.cluster(cluster);
    return reserve?.status === 'ready' && operation === undefined;
  });
};

const lose = async (play: Play): Promise<LostZone> => {
  const { client, cluster, figures, until } = play;
  const known = new Set((await operationsOf(play)).map(({ operationId }) => operationId));
  const { sent } = figures();
  const begun = performance.now();
  const lostAt = new Date().toISOString();
  const struck = await FAULTS['zone-lost']?.strike(play, Math.random);
  await until('new results', 180, async () => figures().committed > sent);
  const newResults = (performance.now() - begun) / 1_000;
  const operation = await until('the failover', 10, async () =>
    (await operationsOf(play)).find(({ operationId, kind }) => kind === 'fail-over-cluster' && !known.has(operationId)),
  );
  const ended = await until('the end of the failover', 180, async () => {
    const { body } = await client.call<OperationView>('GET', `/clusters/${cluster}/operations/${operation.operationId}`);
    return body.endedAt !== undefined && body;
  });
  await struck?.mended;
  return partsOf(ended, lostAt, newResults);
};

/** On a twin of its own. @throws when there is none to be had */
export const measureZones = async (
  count: number,
  capacity: Capacity,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<ZoneSeries> => {
  const settings = readSettings();
  const twin = new Twin({ settings, command: 'npm run bench -- recovery' });
  const measured: LostZone[] = [];
  const machine = new MachineWatch();
  const view = { step: () => {}, note: progress, board: () => {}, end: () => {} };
  const known = () => ({ fault: 'zone' as const, capacity, measured, machine: machine.seen });
  try {
    const scenario = zoneAfterZone({ capacity, measured, machine }, count, progress);
    const playing = runScenario(scenario, { settings, start: () => twin.start(), view, signal });
    const answer = await Promise.race([playing, twin.broken]);
    return { ...known(), wrong: answer.missing + answer.doubled + answer.unexpected };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...known(), wrong: 0, problem: (error as Error).message };
  } finally {
    await twin.stop();
  }
};

const at = (series: ZoneSeries, part: keyof LostZone, share: number): number | null => {
  const values = series.measured.map((loss) => loss[part]).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? null : Number(percentile(values, share).toFixed(2));
};

export const zoneAims = (series: ZoneSeries): readonly Aim[] => {
  const hosts = at(series, 'hosts', 0.5);
  const came = hosts === null ? '' : `; hosts take ${hosts} s to come (p50)`;
  const note = `${series.measured.length} zones, ${describeBusyness(series.machine)}${came}`;
  const name = series.capacity === 'warm' ? 'Zone lost, capacity warm' : 'Zone lost, hosts started anew';
  return [
    under(`${name}: new results committed, p50`, 10, 's', at(series, 'newResults', 0.5), note),
    under(`${name}: Sluice's own share, p50`, 2, 's', at(series, 'own', 0.5), note),
    { name: `${name}: records missing or twice`, aim: '0', measured: series.wrong, met: series.wrong === 0 && !series.problem },
    {
      name: `${name}: measured to the end`,
      aim: 'yes',
      measured: series.problem ? 0 : 1,
      met: !series.problem,
      ...(series.problem ? { note: series.problem } : {}),
    },
  ];
};

const PARTS: readonly (readonly [string, keyof LostZone])[] = [
  ['noticed', 'noticed'],
  ['own share', 'own'],
  ['hosts', 'hosts'],
  ['restore', 'restore'],
  ['new results', 'newResults'],
  ['first checkpoint', 'checkpoint'],
];

export const zoneTable = (all: readonly ZoneSeries[]): string =>
  table(
    'A zone lost, s: p50 / p95',
    ['', ...PARTS.map(([title]) => title), 'missing or twice', 'load', 'stolen %'],
    all.map((series) => [
      `${series.measured.length} zones, ${series.capacity}`,
      ...PARTS.map(([, part]) => `${at(series, part, 0.5) ?? '-'} / ${at(series, part, 0.95) ?? '-'}`),
      series.wrong,
      series.machine.load,
      series.machine.stolenPercent,
    ]),
  );
