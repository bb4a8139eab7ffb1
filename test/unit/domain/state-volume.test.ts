import * as fc from 'fast-check';
import { GP3, type InstanceFacts } from '../../../lambdas/contracts/cluster';
import { provisionedDollarsPerMonth } from '../../../lambdas/domain/host-price';
import { resolveSize } from '../../../lambdas/domain/sizing';
import { type Gp3Volume, stateVolumeOf } from '../../../lambdas/domain/state-volume';
import { GP3_PRICES } from '../../../lib/config/sizes';
import { FACTS, STAGE, spec } from './examples';

const factsOf = (instanceType: string): InstanceFacts => {
  const facts = FACTS.get(instanceType);
  if (!facts) throw new Error(`no facts of ${instanceType}`);
  return facts;
};
const like = (base: string, changes: Partial<InstanceFacts>): InstanceFacts => ({ ...factsOf(base), ...changes });
const large = like('c5.4xlarge', { vcpus: 64, ebs: { baselineMiBps: 2_384, peakMiBps: 2_384, peakIops: 80_000 } });
const { ebs: _, ...unstated } = large;

describe('A volume for state', () => {
  test.each<[string, InstanceFacts, object, readonly [number, number]]>([
    ['has what gp3 has for nothing on a small host', factsOf('c5.large'), {}, [125, 3_000]],
    ['has 16 MiB/s for each vCPU of a larger one', factsOf('c5.4xlarge'), {}, [256, 3_000]],
    ['has the IOPS that its throughput needs', large, {}, [1_024, 4_096]],
    [
      'has no more than the type sustains',
      like('c5.4xlarge', { ebs: { baselineMiBps: 150, peakMiBps: 566, peakIops: 20_000 } }),
      {},
      [150, 3_000],
    ],
    ['costs nothing where EC2 does not say what the type sustains', unstated, {}, [125, 3_000]],
    ['has no more than gp3 can have', { ...large, vcpus: 192 }, {}, [2_000, 8_000]],
    ['has the throughput that is asked for', factsOf('c5.4xlarge'), { throughputMiBps: 500 }, [500, 3_000]],
    ['has the IOPS that are asked for', factsOf('c5.4xlarge'), { iops: 9_000 }, [256, 9_000]],
    ['has no more throughput than the IOPS that are asked for allow', large, { iops: 3_000 }, [750, 3_000]],
  ])('%s', (_, host, asked, [throughputMiBps, iops]) => {
    expect(stateVolumeOf(host, 32, asked)).toEqual({ kind: 'gp3', sizeGB: 320, throughputMiBps, iops });
  });

  test('is none where the type has a local disk', () => {
    expect(stateVolumeOf(factsOf('c6id.2xlarge'), 16)).toEqual({ kind: 'nvme', sizeGB: 474 });
  });

  test('costs what it has over that of each volume', () => {
    const dollars = (throughputMiBps?: number, iops?: number): number => provisionedDollarsPerMonth({ throughputMiBps, iops }, GP3_PRICES);
    expect(dollars()).toBe(0);
    expect(dollars(125, 3_000)).toBe(0);
    expect(dollars(256, 3_000)).toBeCloseTo(5.24, 9);
    expect(dollars(1_024, 4_096)).toBeCloseTo(35.96 + 5.48, 9);
  });

  test('is explained, with what it costs', () => {
    const sizing = resolveSize(spec({ size: 'large' }), STAGE, FACTS);
    expect(sizing.ok && sizing.reasons[0]).toBe(
      'c5.4xlarge has no local disk: state lies on a gp3 volume of 320 GB, 10 a slot, with 256 MiB/s and 3000 IOPS, for which each costs $5.24 a month more than with 125 MiB/s and 3000 IOPS by the prices of the stage',
    );
    const unpriced = resolveSize(spec({ size: 'large' }), { ...STAGE, volumePrices: undefined }, FACTS);
    expect(unpriced.ok && unpriced.reasons[0]).toMatch(/256 MiB\/s and 3000 IOPS$/);
    const dev = resolveSize(spec({ size: 'dev' }), STAGE, FACTS);
    expect(dev.ok && dev.reasons[0]).toBe(
      'c5.large has no local disk: state lies on a gp3 volume of 40 GB, 10 a slot, with 125 MiB/s and 3000 IOPS',
    );
  });

  const problemsOf = (host: InstanceFacts, slotsPerVcpu: number, stateVolume: object) => {
    const overrides = { instanceType: host.instanceType, taskManagersPerHost: 1, slotsPerVcpu, stateVolume };
    const sizing = resolveSize(spec({ size: 'large', overrides }), STAGE, new Map([...FACTS, [host.instanceType, host]]));
    return sizing.ok ? [] : sizing.problems.map(({ path, message }) => `${path}: ${message}`);
  };

  test.each<[string, InstanceFacts, object, readonly string[]]>([
    [
      'on a type with a local disk',
      factsOf('c6id.2xlarge'),
      { throughputMiBps: 200 },
      ['overrides.stateVolume: c6id.2xlarge keeps state on its local disks: it has no volume for it'],
    ],
    [
      'with more than the type reaches',
      factsOf('c5.4xlarge'),
      { throughputMiBps: 567, iops: 20_001 },
      [
        'overrides.stateVolume.throughputMiBps: the EBS bandwidth of c5.4xlarge reaches 566 MiB/s at its peak, 567 asked',
        'overrides.stateVolume.iops: c5.4xlarge reaches 20000 IOPS at its peak, 20001 asked',
        'overrides.stateVolume.iops: a volume of 40 GB has 20000 IOPS at most, 500 a GB, 20001 asked',
      ],
    ],
    [
      'with fewer IOPS than its throughput needs',
      large,
      { throughputMiBps: 1_001, iops: 4_000 },
      ['overrides.stateVolume.iops: 1001 MiB/s need 4004 IOPS, four each, 4000 asked'],
    ],
  ])('is not had %s', (_, host, stateVolume, problems) => {
    expect(problemsOf(host, 0.25, stateVolume)).toEqual(problems);
  });

  test('is had with as much as the type reaches, and with anything of a type of which EC2 states nothing', () => {
    expect(problemsOf(factsOf('c5.4xlarge'), 2, { throughputMiBps: 566, iops: 20_000 })).toEqual([]);
    expect(problemsOf(unstated, 2, { throughputMiBps: 2_000, iops: 80_000 })).toEqual([]);
  });

  test('is one that EC2 makes, whatever the host and the slots', () => {
    const facts = fc.record({
      vcpus: fc.integer({ min: 1, max: 448 }),
      baselineMiBps: fc.integer({ min: 1, max: 9_000 }),
      slotsPerVcpu: fc.double({ min: 0.25, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(facts, ({ vcpus, baselineMiBps, slotsPerVcpu }) => {
        const host = { ...large, vcpus, ebs: { baselineMiBps, peakMiBps: baselineMiBps, peakIops: 80_000 } };
        const { sizeGB, throughputMiBps = 0, iops = 0 } = stateVolumeOf(host, Math.ceil(vcpus * slotsPerVcpu)) as Gp3Volume;
        expect(throughputMiBps).toBeGreaterThanOrEqual(GP3.throughputMiBps.min);
        expect(throughputMiBps).toBeLessThanOrEqual(Math.min(GP3.throughputMiBps.max, iops * GP3.mibpsPerIops));
        expect(iops).toBeGreaterThanOrEqual(GP3.iops.min);
        expect(iops).toBeLessThanOrEqual(Math.min(GP3.iops.max, sizeGB * GP3.iopsPerGB));
      }),
    );
  });
});
