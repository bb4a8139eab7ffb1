import type { EC2Client } from '@aws-sdk/client-ec2';
import { NO_RESOURCES } from '../../lambdas/contracts/cluster';
import { AwsUnavailable } from '../../lambdas/contracts/errors';
import type { Stage } from '../../lambdas/contracts/stage';
import { autoScalingClient, ec2Client, iamClient } from '../../lambdas/gateways/aws/clients';
import { createFleet } from '../../lambdas/gateways/aws/fleet.adapter';
import type { FleetPort } from '../../lambdas/gateways/aws/fleet.port';
import { createStage, inventory } from '../contract/support/ec2-stage';
import { type Emulator, startEmulator } from '../contract/support/emulator';
import { eventually } from '../contract/support/eventually';
import { aCluster, aFleetSpec } from '../contract/support/samples';

const STAGE = 'crashes';
let emulator: Emulator;
let stage: Stage;
let onlooker: FleetPort;

beforeAll(async () => {
  emulator = await startEmulator();
  stage = await createStage(STAGE);
  onlooker = createFleet({ ec2: ec2Client(), autoScaling: autoScalingClient(), iam: iamClient(), stage });
}, 60_000);
afterAll(() => emulator.stop());

class Crash extends Error {}
/** A fleet whose `at`-th AWS call (`after`: `at`-th change) fails, before it reaches AWS or after. `calls()` counts. */
const crashing = (at: number, when: 'before' | 'after') => {
  let calls = 0;
  const armed = <C extends EC2Client>(client: C): C => {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        // A lost answer to a question changes as little as a question that was never asked.
        const counts = when === 'before' || !/^(Describe|Get)/.test(context.commandName ?? '');
        if (counts) calls += 1;
        const isIt = counts && calls === at;
        if (isIt && when === 'before') throw new Crash();
        const answer = await next(args);
        if (isIt) throw new Crash();
        return answer;
      },
      { step: 'initialize', priority: 'low', name: 'crash' },
    );
    return client;
  };
  const arm = <C>(client: C): C => armed(client as unknown as EC2Client) as unknown as C;
  return {
    fleet: createFleet({ ec2: arm(ec2Client()), autoScaling: arm(autoScalingClient()), iam: arm(iamClient()), stage }),
    calls: () => calls,
  };
};
/** Repeats a step as a workflow does; waits where something is still in use. */
const repeated = async <T>(step: () => Promise<T>): Promise<T> => {
  for (const deadline = Date.now() + 30_000; ; ) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof Crash || error instanceof AwsUnavailable) || Date.now() > deadline) throw error;
    }
  }
};

const SIZE = { ...aCluster().size, jobManager: { instanceType: 'c5.large', alternatives: ['c6i.large'], memoryMiB: 1_024 } };

/** Launches and takes away a cluster with a crash at one call; tells what there was in between and in the end, and whether there is such a call. */
const lifeWithCrash = async (at: number, when: 'before' | 'after') => {
  const { fleet, calls } = crashing(at, when);
  const spec = aFleetSpec({ size: SIZE });
  const base = `sluice-${STAGE}-${spec.cluster}-e1`;
  const access = { ...NO_RESOURCES, ...(await repeated(() => fleet.prepareAccess(spec))) };
  const resources = { ...access, ...(await repeated(() => fleet.createGroups(spec, access, 1))) };
  const { hosts: _, ...during } = await inventory(base);
  await repeated(() => fleet.deleteGroups(spec, resources));
  await eventually(
    () => onlooker.groupsGone(spec),
    ({ gone }) => gone,
  );
  await repeated(() => fleet.deleteAccess(spec, resources));
  const afterwards = Object.values(await inventory(base)).flat();
  return { base, during, afterwards, happened: calls() >= at };
};
const onceEach = (base: string) => ({
  securityGroups: [base],
  networkInterfaces: [`${base}-jobmanager`],
  launchTemplates: [`${base}-jobmanager`, `${base}-taskmanager-us-east-1a`],
  placementGroups: [base],
  autoScalingGroups: [`${base}-jobmanager`, `${base}-taskmanager-us-east-1a`],
  roles: [base],
  instanceProfiles: [base],
});

test.each(['before', 'after'] as const)(
  '%s it reached AWS, the repetition doubles nothing, and nothing is left in the end',
  async (when) => {
    // In groups, because most of the time is waiting for the hosts to go.
    const together = 4;
    for (let first = 1, more = true; more; first += together) {
      const lives = await Promise.all(Array.from({ length: together }, (_, index) => lifeWithCrash(first + index, when)));
      for (const { base, during, afterwards } of lives) expect([during, afterwards]).toEqual([onceEach(base), []]);
      more = lives.every(({ happened }) => happened);
    }
  },
  400_000,
);

test.each(['before', 'after'] as const)(
  '%s it reached AWS, a JobManager is launched as the type that EC2 has, whichever call of the change fails',
  async (when) => {
    await emulator.twin('PUT', 'settings', { launchRetrySeconds: 0.2, launchRetryMaxSeconds: 0.5 });
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'RunInstances', instanceType: 'c5.large', zone: 'us-east-1a', code: 'InsufficientInstanceCapacity' },
    ]);
    for (let at = 1, more = true; more; at += 1) {
      const spec = aFleetSpec({ size: { ...SIZE, instanceType: 'c5.xlarge' } });
      const access = { ...NO_RESOURCES, ...(await onlooker.prepareAccess(spec)) };
      const resources = { ...access, ...(await onlooker.createGroups(spec, access, 0)) };
      const { fleet, calls } = crashing(at, when);
      // Each look is a new one, as the workflow's: what the one before was to do is not known any more.
      const seen = await eventually(
        () => onlooker.observe(resources),
        ({ otherTypes }) => otherTypes !== undefined,
      );
      await fleet.launchAs(seen.otherTypes?.[0] as NonNullable<typeof seen.otherTypes>[number]).catch((error) => {
        if (!(error instanceof Crash)) throw error;
      });
      more = calls() >= at;
      await eventually(
        async () => {
          const now = await onlooker.observe(resources);
          for (const other of now.otherTypes ?? []) if (!other.asked) await onlooker.launchAs(other);
          return now;
        },
        ({ hosts }) => hosts.length === 1 && hosts.every(({ state }) => state === 'running'),
      );
      await onlooker.deleteGroups(spec, resources);
    }
    await emulator.twin('DELETE', 'faults');
  },
  200_000,
);
