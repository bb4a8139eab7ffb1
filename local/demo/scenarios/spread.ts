import type { Scenario } from './scenario';

const RATE = 100;

/** What the placement view says of the cluster, and what is seen when it comes true. */
export const loseOtherZone: Scenario = {
  title:
    "A zone of a spread cluster dies, one that its JobManager is not in. Its job goes on in the other zones' slots, and nothing moves.",
  cluster: { name: 'orders', size: 'dev', placement: { mode: 'spread' }, overrides: { taskManagers: { min: 3, max: 4 } } },
  millis: 10,
  job: { parallelism: 6, flinkConfiguration: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' } },
  profile: [
    { second: 0, recordsPerSecond: RATE },
    { second: 60, recordsPerSecond: RATE },
  ],
  act: async ({ client, machines, cluster, figures, say, until, twin }) => {
    await until('a first result', 60, async () => figures().committed > 5 * RATE);
    const before = await client.cluster(cluster);
    const hosts = await machines.of(cluster, 'taskmanager');
    const victim = hosts.find(({ zone }) => zone !== before.zone);
    if (!victim) throw new Error('the cluster has no TaskManager host outside its home zone');
    say(`TaskManagers in ${hosts.map(({ zone }) => zone).join(', ')}, the JobManager in ${before.zone}.`);
    const rules = [{ service: 'ec2', action: 'RunInstances', zone: victim.zone, code: 'InsufficientInstanceCapacity' }];
    const headers = { 'content-type': 'application/json' };
    await fetch(`${twin.awsEndpoint}/_twin/faults`, { method: 'POST', body: JSON.stringify(rules), headers });
    const begun = performance.now();
    await machines.loseZone(victim.zone, 'SIGKILL', true);
    say(`✂ ${victim.zone} is lost: its hosts are dead, it has no capacity, and AWS says so`);
    const sentThen = figures().sent;
    await until('results again', 60, async () => figures().committed > sentThen);
    const secondsToNewResults = Math.round(performance.now() - begun) / 1_000;
    say(`Results of new orders flow again, ${secondsToNewResults.toFixed(1)} s after the loss.`);
    const after = await client.cluster(cluster);
    if (after.epoch !== before.epoch) throw new Error(`the cluster was moved: epoch ${before.epoch} → ${after.epoch}`);
    return { secondsToNewResults, slotsLeft: after.live?.slotsTotal ?? 0 };
  },
};
