import type { LoadPoint } from '../../../examples/orders-jar/profile';
import type { Play, Scenario } from './scenario';

const CALM = 60;
const SPIKE = 5 * CALM;
/** When the rate rises, and when it falls again, seconds. */
const [UP, DOWN, END] = [30, 150, 450] as const;

const parallelismOf = async ({ client, cluster, job }: Play): Promise<number> => (await client.job(cluster, job)).live?.parallelism ?? 0;
const taskManagersOf = async ({ client, cluster }: Play): Promise<number> => (await client.cluster(cluster)).live?.taskManagers ?? 0;

/** Five times the load from `up` to `down`, seconds. */
export const spikeFrom = (up: number, down: number, end: number): readonly LoadPoint[] => [
  { second: 0, recordsPerSecond: CALM },
  { second: up, recordsPerSecond: CALM },
  { second: up, recordsPerSecond: SPIKE },
  { second: down, recordsPerSecond: SPIKE },
  { second: down, recordsPerSecond: CALM },
  { second: end, recordsPerSecond: CALM },
];

/** A cluster and a job that scale within minutes, because a person watches. */
export const quick = {
  cluster: {
    name: 'orders',
    size: 'dev',
    spareSlots: 0,
    observation: { intervalSeconds: 10 },
    overrides: { taskManagers: { min: 1, max: 3 } },
  },
  millis: 10,
  job: {
    parallelism: 1,
    flinkConfiguration: { 'execution.checkpointing.interval': '2 s', 'execution.checkpointing.min-pause': '500 ms' },
    scaling: {
      maxParallelism: 8,
      catchUpSeconds: 60,
      restartSeconds: 5,
      highLagSeconds: 5,
      // A person watches: what takes half an hour in a real day takes minutes here (the alarm of scaling in counts whole minutes, three at least).
      scaleOutWindowSeconds: 10,
      scaleInWindowSeconds: 40,
      flapSeconds: 20,
      rescalesPerDay: 100,
      serviceLevels: { maxLagSeconds: 5 },
    },
  },
} as const satisfies Partial<Scenario>;

/** Watches the rate rise until the job has grown to it. @param up when it rises, seconds */
export const rise = async (play: Play, up: number): Promise<{ readonly secondsToRescale: number; readonly mostTaskManagers: number }> => {
  const { until, say, seconds } = play;
  await until('the rise', up + 30, async () => seconds() > up);
  say(`▲ ${SPIKE} orders a second from now on; one subtask does 100.`);
  await until('a higher parallelism', 150, async () => (await parallelismOf(play)) >= 4);
  const secondsToRescale = since(play, up);
  const mostTaskManagers = await taskManagersOf(play);
  say(`The job runs with more subtasks on ${mostTaskManagers} TaskManagers, ${secondsToRescale} s after the rise.`);
  return { secondsToRescale, mostTaskManagers };
};

const since = ({ seconds }: Play, second: number): number => Math.round((seconds() - second) * 10) / 10;

/** Five times the load: alarm, hosts, parallelism, lag gone; then the calm again: parallelism, hosts. Nobody calls anything. */
export const spike: Scenario = {
  ...quick,
  title:
    'Orders come five times as fast for two minutes. Alarms ring, hosts come, the parallelism rises, the lag goes; later all of it is given back.',
  profile: spikeFrom(UP, DOWN, END),
  act: async (play) => {
    const { until, say, seconds, figures } = play;
    const { secondsToRescale, mostTaskManagers } = await rise(play, UP);
    await until('the lag gone', 150, async () => figures().sent - figures().committed < 5 * SPIKE);
    const secondsToRecover = since(play, UP);
    say(`Less than five seconds of orders wait, ${secondsToRecover} s after the rise.`);
    await until('the calm', DOWN + 60, async () => seconds() > DOWN);
    say(`▼ ${CALM} orders a second again.`);
    await until('a lower parallelism', END - DOWN, async () => (await parallelismOf(play)) <= 2);
    const secondsToShrink = since(play, DOWN);
    say(`The job runs with fewer subtasks, ${secondsToShrink} s after the fall.`);
    await until('hosts given back', END - DOWN, async () => (await taskManagersOf(play)) < mostTaskManagers);
    return { secondsToRescale, secondsToRecover, secondsToShrink, secondsToFewerHosts: since(play, DOWN), mostTaskManagers };
  },
};
