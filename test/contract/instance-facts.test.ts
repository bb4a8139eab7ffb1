import { ec2Client } from '../../lambdas/gateways/aws/clients';
import { createInstanceFacts } from '../../lambdas/gateways/aws/instance-facts.adapter';
import type { InstanceFactsPort } from '../../lambdas/gateways/aws/instance-facts.port';
import { createFakeInstanceFacts, KNOWN_INSTANCE_FACTS } from '../fakes/fake-instance-facts';
import { type Emulator, startEmulator } from './support/emulator';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
}, 60_000);
afterAll(() => emulator.stop());

describe.each([
  ['fake', (): InstanceFactsPort => createFakeInstanceFacts()],
  ['EC2', (): InstanceFactsPort => createInstanceFacts({ client: ec2Client() })],
])('The instance facts (%s)', (_, create) => {
  test.each(KNOWN_INSTANCE_FACTS.map((facts) => [facts.instanceType, facts] as const))('of %s are those of EC2', async (type, facts) => {
    expect((await create().describe([type])).get(type)).toEqual(facts);
  });

  test('leave a type out that EC2 does not know, and give the others', async () => {
    const found = await create().describe(['c5.large', 'c5.gigantic', 'c6id.2xlarge', 'c5.large']);
    expect([...found.keys()]).toEqual(['c5.large', 'c6id.2xlarge']);
    expect(await create().describe(['c5.gigantic'])).toEqual(new Map());
    expect(await create().describe([])).toEqual(new Map());
  });

  test('find types of as many vCPUs and as much memory', async () => {
    const facts = create();
    const own = (await facts.describe(['c6i.2xlarge'])).get('c6i.2xlarge');
    if (!own) throw new Error('c6i.2xlarge is not there');
    const found = await facts.alike(own, 'on-demand');
    expect(found.map(({ instanceType }) => instanceType)).toEqual(expect.arrayContaining(['c6i.2xlarge', 'c6id.2xlarge', 'c7i.2xlarge']));
    for (const type of found) expect(type).toMatchObject({ vcpus: 8, memoryMiB: 16_384 });
  });

  test('are found by exact names only', async () => {
    expect(await create().describe(['c5.*'])).toEqual(new Map());
  });
});

describe('The instance facts (EC2)', () => {
  test('add up the network cards of a type that has several', async () => {
    const found = await createInstanceFacts({ client: ec2Client() }).describe(['p4d.24xlarge']);
    expect(found.get('p4d.24xlarge')).toMatchObject({ peakGbps: 400, baselineGbps: 400, localStorageGB: 8_000 });
  });

  test('say nothing of EBS bandwidth where EC2 does not', async () => {
    const found = await createInstanceFacts({ client: ec2Client() }).describe(['t2.micro', 'c5.large']);
    expect([...found.values()].map((facts) => 'ebs' in facts)).toEqual([false, true]);
  });

  test('count all local disks where a type has several: a host keeps state on all of them', async () => {
    const found = await createInstanceFacts({ client: ec2Client() }).describe([
      'c6id.8xlarge',
      'c6id.16xlarge',
      'c5ad.4xlarge',
      'c6i.large',
    ]);
    expect([...found.values()].map(({ localStorageGB }) => localStorageGB)).toEqual([1_900, 3_800, 600, 0]);
  });

  test.each([
    ['m7i.2xlarge', ['g4dn.2xlarge', 'trn1.2xlarge', 'd3en.2xlarge', 'h1.2xlarge', 't3.2xlarge', 'm7i-flex.2xlarge']],
    ['r7i.2xlarge', ['g6e.2xlarge', 'd3.2xlarge', 'r8i-flex.2xlarge']],
  ])('find none like %s that is paid for its accelerators, has hard disks or a share of a CPU', async (type, others) => {
    const facts = createInstanceFacts({ client: ec2Client() });
    const own = (await facts.describe([type])).get(type);
    if (!own) throw new Error(`${type} is not there`);
    const found = (await facts.alike(own, 'spot')).map(({ instanceType }) => instanceType);
    expect(found).toEqual(expect.arrayContaining([type, type.replace('7i', '6id')]));
    for (const other of others) {
      // It is like the others by vCPUs and memory, and would have been found by these.
      expect((await facts.describe([other])).get(other)).toMatchObject({ vcpus: own.vcpus, memoryMiB: own.memoryMiB });
      expect(found).not.toContain(other);
    }
  });

  test('find none like a type whose jobs may need more than its vCPUs and memory', async () => {
    const facts = createInstanceFacts({ client: ec2Client() });
    const own = (await facts.describe(['g4dn.2xlarge'])).get('g4dn.2xlarge');
    expect(own && (await facts.alike(own, 'spot'))).toEqual([]);
  });

  test('ask for a type once', async () => {
    const client = ec2Client();
    let calls = 0;
    client.middlewareStack.add((next) => (args) => {
      calls += 1;
      return next(args);
    });
    const facts = createInstanceFacts({ client });
    for (let time = 0; time < 3; time++) await facts.describe(['i3.large']);
    expect(calls).toBe(1);
  });
});
