import { control } from '../../client/control';
import type { Play, Scenario } from './scenario';

const RATE = 100;

const base = {
  millis: 10,
  job: { parallelism: 6, flinkConfiguration: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' } },
  profile: [
    { second: 0, recordsPerSecond: RATE },
    { second: 60, recordsPerSecond: RATE },
  ],
} as const;
const cluster = { name: 'orders', size: 'dev', placement: { mode: 'spread' }, overrides: { taskManagers: { min: 3, max: 4 } } } as const;

/** What the placement view says of the cluster, and what is seen when it comes true: a zone is lost, and nothing moves. */
const stays = async ({ client, machines, cluster, figures, say, until, twin }: Play, lost: (home: string, zone: string) => boolean) => {
  await until('a first result', 60, async () => figures().committed > 5 * RATE);
  const before = await client.cluster(cluster);
  const hosts = await machines.of(cluster, 'taskmanager');
  const zone = hosts.map((host) => host.zone).find((one) => lost(before.zone, one));
  if (zone === undefined)
    throw new Error(`no TaskManager host is in such a zone; they are in ${hosts.map((host) => host.zone).join(', ')}`);
  const leaders = await machines.of(cluster, 'jobmanager');
  say(`TaskManagers in ${hosts.map((host) => host.zone).join(', ')}, JobManagers in ${leaders.map((host) => host.zone).join(', ')}.`);
  const rules = [{ service: 'ec2', action: 'RunInstances', zone, code: 'InsufficientInstanceCapacity' }];
  await control(twin.awsEndpoint, 'POST', 'faults', rules);
  const begun = performance.now();
  await machines.loseZone(zone, 'SIGKILL', true);
  say(`✂ ${zone} is lost: its hosts are dead, it has no capacity, and AWS says so`);
  const sentThen = figures().sent;
  await until('results again', 60, async () => figures().committed > sentThen);
  const secondsToNewResults = Math.round(performance.now() - begun) / 1_000;
  say(`Results of new orders flow again, ${secondsToNewResults.toFixed(1)} s after the loss.`);
  const after = await client.cluster(cluster);
  if (after.epoch !== before.epoch) throw new Error(`the cluster was moved: epoch ${before.epoch} → ${after.epoch}`);
  return { secondsToNewResults, slotsLeft: after.live?.slotsTotal ?? 0 };
};

export const loseOtherZone: Scenario = {
  ...base,
  title:
    "A zone of a spread cluster dies, one that its JobManager is not in. Its job goes on in the other zones' slots, and nothing moves.",
  cluster,
  act: (play) => stays(play, (home, zone) => zone !== home),
};

export const loseLeaderZone: Scenario = {
  ...base,
  title:
    "The JobManager's zone of a spread cluster dies. Its stand-by in another zone leads on, the job goes on in the slots that are left, and nothing moves.",
  cluster: { ...cluster, highAvailability: { standbyJobManager: true } },
  act: (play) => stays(play, (home, zone) => zone === home),
};
