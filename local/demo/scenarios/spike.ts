import type { Play, Scenario } from './scenario';

const CALM = 60;
const SPIKE = 5 * CALM;
/** When the rate rises, and when it falls again, seconds. */
const [UP, DOWN, END] = [30, 150, 450] as const;

const parallelismOf = async ({ client, cluster, job }: Play): Promise<number> => (await client.job(cluster, job)).live?.parallelism ?? 0;
const taskManagersOf = async ({ client, cluster }: Play): Promise<number> => (await client.cluster(cluster)).live?.taskManagers ?? 0;

/** Five times the load: alarm, hosts, parallelism, lag gone; then the calm again: parallelism, hosts. Nobody calls anything. */
export const spike: Scenario = {
  title:
    'Orders come five times as fast for two minutes. Alarms ring, hosts come, the parallelism rises, the lag goes; later all of it is given back.',
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
  profile: [
    { second: 0, recordsPerSecond: CALM },
    { second: UP, recordsPerSecond: CALM },
    { second: UP, recordsPerSecond: SPIKE },
    { second: DOWN, recordsPerSecond: SPIKE },
    { second: DOWN, recordsPerSecond: CALM },
    { second: END, recordsPerSecond: CALM },
  ],
  act: async (play) => {
    const { until, say, seconds, figures } = play;
    const at = (second: number): number => Math.round((seconds() - second) * 10) / 10;
    await until('the rise', UP + 30, async () => seconds() > UP);
    say(`▲ ${SPIKE} orders a second from now on; one subtask does 100.`);
    await until('a higher parallelism', 150, async () => (await parallelismOf(play)) >= 4);
    const rescaled = at(UP);
    const hosts = await taskManagersOf(play);
    say(`The job runs with more subtasks on ${hosts} TaskManagers, ${rescaled} s after the rise.`);
    await until('the lag gone', 150, async () => figures().sent - figures().committed < 5 * SPIKE);
    const recovered = at(UP);
    say(`Less than five seconds of orders wait, ${recovered} s after the rise.`);
    await until('the calm', DOWN + 60, async () => seconds() > DOWN);
    say(`▼ ${CALM} orders a second again.`);
    await until('a lower parallelism', END - DOWN, async () => (await parallelismOf(play)) <= 2);
    const smaller = at(DOWN);
    say(`The job runs with fewer subtasks, ${smaller} s after the fall.`);
    await until('hosts given back', END - DOWN, async () => (await taskManagersOf(play)) < hosts);
    return {
      secondsToRescale: rescaled,
      secondsToRecover: recovered,
      secondsToShrink: smaller,
      secondsToFewerHosts: at(DOWN),
      mostTaskManagers: hosts,
    };
  },
};
