import * as fc from 'fast-check';
import type { InstanceFacts } from '../../../lambdas/contracts/cluster';
import {
  alternativesOf,
  instanceTypesOf,
  jobManagerAlternativesOf,
  MINIMUM_TASK_MANAGER_MIB,
  resolveSize,
  unfitAlternatives,
  unfitJobManagerAlternatives,
} from '../../../lambdas/domain/sizing';
import { ON_DEMAND_PRICES, PRODUCTION_SIZES } from '../../../lib/config/sizes';
import { FACTS, STAGE, sizeOf, spec } from './examples';

const problemsOf = (fields: Parameters<typeof spec>[0]) => {
  const sizing = resolveSize(spec(fields), STAGE, FACTS);
  return sizing.ok ? [] : sizing.problems;
};

describe('a named size', () => {
  test('becomes instance type, memory, slots and limits', () => {
    expect(sizeOf({ size: 'small' })).toEqual({
      instanceType: 'c6id.2xlarge',
      vcpus: 8,
      hostMemoryMiB: 16_384,
      architecture: 'x86_64',
      peakGbps: 12.5,
      baselineGbps: 3.125,
      stateVolume: { kind: 'nvme', sizeGB: 474 },
      jobManager: { instanceType: 'c5.2xlarge', memoryMiB: 8_192 },
      taskManagersPerHost: 2,
      taskManagerMemoryMiB: 5_461,
      slotsPerTaskManager: 8,
      taskManagers: { min: 2, max: 8 },
      defaultParallelism: 16,
      spareSlots: 16,
    });
  });

  test('needs facts of its two instance types only', () => {
    expect(instanceTypesOf(spec({ size: 'small' }), STAGE)).toEqual(['c6id.2xlarge', 'c5.2xlarge']);
    expect(instanceTypesOf(spec({ size: 'dev' }), STAGE)).toEqual(['c5.large']);
  });

  test('keeps state on a gp3 volume where the type has no local disk, and says so', () => {
    const sizing = resolveSize(spec({ size: 'large' }), STAGE, FACTS);
    expect(sizing).toMatchObject({ ok: true, size: { stateVolume: { kind: 'gp3', sizeGB: 320 } } });
    expect(sizing.ok && sizing.reasons.join('\n')).toContain('c5.4xlarge has no local disk');
  });

  test('has no spare slots in dev, else those of one host', () => {
    expect(sizeOf({ size: 'dev' }).spareSlots).toBe(0);
    expect(sizeOf({ size: 'large' }).spareSlots).toBe(32);
    expect(sizeOf({ size: 'large', spareSlots: 3 }).spareSlots).toBe(3);
  });

  test('is overridden value by value', () => {
    const overrides = {
      instanceType: 'c7gd.4xlarge',
      taskManagersPerHost: 4,
      slotsPerVcpu: 3,
      taskManagers: { min: 4, max: 12 },
      jobManager: { memoryMiB: 10_000 },
    };
    expect(sizeOf({ size: 'small', overrides })).toMatchObject({
      architecture: 'arm64',
      taskManagersPerHost: 4,
      taskManagerMemoryMiB: 5_461,
      slotsPerTaskManager: 12,
      taskManagers: { min: 4, max: 12 },
      defaultParallelism: 48,
      jobManager: { instanceType: 'c5.2xlarge', memoryMiB: 10_000 },
    });
  });

  test('keeps to whole hosts: the smallest fleet is rounded up, the largest down', () => {
    expect(sizeOf({ overrides: { taskManagersPerHost: 3, taskManagers: { min: 4, max: 11 } } }).taskManagers).toEqual({ min: 6, max: 9 });
  });
});

describe('a size is refused with the path and the figures when', () => {
  test.each([
    [
      'the type does not exist',
      { overrides: { instanceType: 'c5.gigantic' } },
      'overrides.instanceType',
      'EC2 has no instance type c5.gigantic',
    ],
    [
      "the JobManager's type does not exist",
      { overrides: { jobManager: { instanceType: 'c9.large' } } },
      'overrides.jobManager.instanceType',
      'EC2 has no instance type c9.large',
    ],
    [
      'the network is slow',
      { size: 'dev', overrides: { instanceType: 'c4.large' } },
      'overrides.instanceType',
      'the network of c4.large reaches 0.5 Gbit/s at its peak, streaming needs 10; set network.allowSlow to accept it',
    ],
    [
      'the sustained bandwidth is under the demand',
      { network: { minimumBaselineGbps: 5 } },
      'network.minimumBaselineGbps',
      'c6id.2xlarge sustains 3.125 Gbit/s, 5 demanded',
    ],
    [
      'min is over max',
      { overrides: { taskManagers: { min: 9 } } },
      'overrides.taskManagers.min',
      'the smallest fleet of 9 TaskManagers is over the largest of 8',
    ],
    [
      'it is over the stage',
      { overrides: { taskManagers: { max: 300 } } },
      'overrides.taskManagers.max',
      '300 TaskManagers asked, the stage allows 100',
    ],
    [
      'whole hosts do not fit between min and max',
      { overrides: { taskManagersPerHost: 4, taskManagers: { min: 5, max: 7 } } },
      'overrides.taskManagers.max',
      '5 to 7 TaskManagers cannot be had with 4 on every host: give limits that whole hosts fit in',
    ],
    [
      'TaskManagers are too small for Flink',
      { size: 'dev', overrides: { taskManagersPerHost: 4 } },
      'overrides.taskManagersPerHost',
      'two thirds of a c5.large (4096 MiB) give 4 TaskManagers 682 MiB each, Flink needs 1024',
    ],
    [
      'addresses run out',
      { size: 'dev', network: { allowSlow: true }, overrides: { instanceType: 't3.micro', taskManagersPerHost: 4 } },
      'overrides.taskManagersPerHost',
      '4 TaskManagers need an address each, the network interface of t3.micro holds 2',
    ],
    [
      "the JobManager takes more than two thirds of its host's memory",
      { size: 'dev', overrides: { jobManager: { memoryMiB: 3_000 } } },
      'overrides.jobManager.memoryMiB',
      '3000 MiB leave less than a third of a c5.large (4096 MiB) to the system; at most 2730 MiB',
    ],
    [
      'spare slots leave nothing to jobs',
      { size: 'dev', spareSlots: 16 },
      'spareSlots',
      '16 spare slots leave none of the 16 of the largest fleet to jobs',
    ],
  ])('%s', (_, fields, path, message) => {
    expect(problemsOf(fields)).toEqual([{ path, message }]);
  });

  test('more than one thing is wrong: all are said at once', () => {
    const problems = problemsOf({
      overrides: { instanceType: 'c5.gigantic', jobManager: { instanceType: 'x.y' }, taskManagers: { max: 300 } },
    });
    expect(problems.map(({ path }) => path)).toEqual([
      'overrides.instanceType',
      'overrides.jobManager.instanceType',
      'overrides.taskManagers.max',
    ]);
  });
});

test('a slow network is accepted by who says so', () => {
  expect(problemsOf({ size: 'dev', network: { allowSlow: true }, overrides: { instanceType: 'c4.large' } })).toEqual([]);
});

test.each(['dev', 'small', 'medium', 'large', 'xlarge'] as const)(
  'the size %s of a stage on AWS can be had, with 8 GiB and more for the JobManager',
  (name) => {
    const of = (instanceType: string, vcpus: number, memoryGiB: number): [string, InstanceFacts] => [
      instanceType,
      {
        instanceType,
        vcpus,
        memoryMiB: memoryGiB * 1_024,
        peakGbps: 12.5,
        localStorageGB: 118,
        architecture: 'x86_64',
        addressesPerInterface: 10,
      },
    ];
    const aws = new Map([
      of('c6id.large', 2, 4),
      of('c6id.2xlarge', 8, 16),
      of('c6id.4xlarge', 16, 32),
      of('c6id.8xlarge', 32, 64),
      of('c6id.16xlarge', 64, 128),
      of('r7i.large', 2, 16),
      of('r7i.xlarge', 4, 32),
    ]);
    const sizing = resolveSize(spec({ size: name }), { ...STAGE, sizes: PRODUCTION_SIZES }, aws);
    expect(sizing).toMatchObject({ ok: true, size: { jobManager: { memoryMiB: PRODUCTION_SIZES[name].jobManager.memoryMiB } } });
    expect(PRODUCTION_SIZES[name].jobManager.memoryMiB).toBeGreaterThanOrEqual(8_192);
    expect(PRODUCTION_SIZES[name].jobManager.memoryMiB).toBeLessThanOrEqual(16_384);
  },
);

const facts: fc.Arbitrary<InstanceFacts> = fc.record({
  instanceType: fc.constant('any.type'),
  vcpus: fc.integer({ min: 1, max: 192 }),
  memoryMiB: fc.integer({ min: 512, max: 1_000_000 }),
  peakGbps: fc.constantFrom(0.5, 5, 10, 12.5, 200),
  localStorageGB: fc.constantFrom(0, 118, 7_600),
  architecture: fc.constantFrom('x86_64' as const, 'arm64' as const),
  addressesPerInterface: fc.integer({ min: 2, max: 50 }),
});

test('whatever is resolved leaves a third of each host, fits in its limits and can run a job of the default parallelism', () => {
  fc.assert(
    fc.property(
      facts,
      fc.record({
        taskManagersPerHost: fc.integer({ min: 1, max: 8 }),
        slotsPerVcpu: fc.double({ min: 0.25, max: 4, noNaN: true }),
        min: fc.integer({ min: 1, max: 110 }),
        max: fc.integer({ min: 1, max: 110 }),
      }),
      (host, { min, max, ...wish }) => {
        const sizing = resolveSize(
          spec({ overrides: { ...wish, instanceType: 'any.type', taskManagers: { min, max } } }),
          STAGE,
          new Map([...FACTS, ['any.type', host]]),
        );
        if (!sizing.ok) return expect(sizing.problems.length).toBeGreaterThan(0);
        const { size } = sizing;
        expect(size.taskManagerMemoryMiB * size.taskManagersPerHost).toBeLessThanOrEqual((host.memoryMiB * 2) / 3);
        expect(size.taskManagerMemoryMiB).toBeGreaterThanOrEqual(MINIMUM_TASK_MANAGER_MIB);
        expect(size.taskManagersPerHost).toBeLessThanOrEqual(host.addressesPerInterface);
        expect(size.taskManagers.min % size.taskManagersPerHost).toBe(0);
        expect(size.taskManagers.max % size.taskManagersPerHost).toBe(0);
        expect(size.taskManagers.min).toBeGreaterThanOrEqual(min);
        expect(size.taskManagers.max).toBeLessThanOrEqual(max);
        expect(size.taskManagers.min).toBeLessThanOrEqual(size.taskManagers.max);
        expect(size.slotsPerTaskManager).toBeGreaterThanOrEqual(1);
        expect(size.defaultParallelism).toBeGreaterThanOrEqual(1);
        expect(size.defaultParallelism).toBeLessThanOrEqual(size.taskManagers.max * size.slotsPerTaskManager);
        expect(size.spareSlots).toBeLessThan(size.taskManagers.max * size.slotsPerTaskManager);
        return undefined;
      },
    ),
    { numRuns: 500 },
  );
});

interface Bought {
  readonly network?: object;
  readonly purchase?: object;
  readonly prices?: Readonly<Record<string, number>>;
}

describe('Hosts may be', () => {
  const like = (base: string, instanceType: string, changes: Partial<InstanceFacts> = {}): InstanceFacts => {
    const facts = FACTS.get(base);
    if (!facts) throw new Error(`no facts of ${base}`);
    return { ...facts, instanceType, ...changes };
  };
  const among = (
    size: 'small' | 'large',
    candidates: readonly InstanceFacts[],
    { network = {}, purchase = { spotPercent: 100 }, prices = {} }: Bought = {},
  ) => alternativesOf(spec({ size, network, purchase }), sizeOf({ size, network }), candidates, prices);
  const small = (changes: Partial<InstanceFacts>) => among('small', [like('c6id.2xlarge', 'm6id.2xlarge', changes)]);

  test.each<[string, Partial<InstanceFacts>]>([
    ['just as large', {}],
    ['larger in memory', { memoryMiB: 65_536 }],
    ['smaller on its local disk, with room for the state of all its slots', { localStorageGB: 160 }],
    ['slower in the long run, where nobody demands a baseline', { baselineGbps: 0.1 }],
  ])('of another type that is %s', (_, changes) => {
    expect(small(changes)).toEqual(['m6id.2xlarge']);
  });

  test.each<[string, Partial<InstanceFacts>, string]>([
    ['fewer vCPUs', { vcpus: 4 }, 'has 4 vCPUs, slots were computed with the 8 of c6id.2xlarge'],
    ['more vCPUs, whose slots nobody computed with', { vcpus: 16 }, 'has 16 vCPUs'],
    ['less memory', { memoryMiB: 16_383 }, 'has 16383 MiB'],
    ['another architecture', { architecture: 'arm64' }, 'is arm64, c6id.2xlarge is x86_64'],
    ['too few addresses for its TaskManagers', { addressesPerInterface: 1 }, 'for 1 addresses, and 2 TaskManagers need one each'],
    ['no local disk, where state lies on one', { localStorageGB: 0 }, 'has no local disk'],
    ['a local disk that the state of all its slots has no room on', { localStorageGB: 159 }, 'takes 160'],
    ['a slow network', { peakGbps: 0.5 }, 'reaches 0.5 Gbit/s at its peak, streaming needs 10'],
  ])('not of a type with %s, which is said where a caller names it', (_, changes, reason) => {
    expect(small(changes)).toEqual([]);
    const [fit, unfit, unknown] = ['m6id.2xlarge', 'm7id.2xlarge', 'm8id.2xlarge'];
    const facts = new Map([like('c6id.2xlarge', fit), like('c6id.2xlarge', unfit, changes)].map((one) => [one.instanceType, one]));
    const wish = spec({ size: 'small', purchase: { instanceTypes: ['c6id.2xlarge', fit, unfit, unknown] } });
    expect(unfitAlternatives(wish, sizeOf({ size: 'small' }), facts)).toEqual([
      { path: 'purchase.instanceTypes', message: expect.stringMatching(new RegExp(`^m7id.2xlarge .*${reason}`)) },
      { path: 'purchase.instanceTypes', message: 'EC2 has no instance type m8id.2xlarge' },
    ]);
  });

  test('not of one below a baseline that the spec demands, nor on demand of one that costs too much, which is said too', () => {
    const facts = new Map([['a.slow', like('c6id.2xlarge', 'a.slow', { baselineGbps: 2 })]]);
    const why = (change: object, prices = {}) =>
      unfitAlternatives(spec({ size: 'small', ...change }), sizeOf({ size: 'small' }), facts, prices).map(({ message }) => message);
    expect(why({ network: { minimumBaselineGbps: 3 }, purchase: { instanceTypes: ['a.slow'] } })).toEqual([
      'a.slow sustains 2 Gbit/s, 3 demanded',
    ]);
    const prices = { 'c6id.2xlarge': 1, 'a.slow': 1.25 };
    expect(why({ purchase: { instanceTypes: ['a.slow'] } }, prices)).toEqual([
      'a.slow costs 1.25 times what c6id.2xlarge does, 1.2 at most',
    ]);
    expect(why({ purchase: { instanceTypes: ['a.slow'], spotPercent: 50 } }, prices)).toEqual([]);
  });

  test('of a type without a local disk where state lies on a volume, and not of one with too small a disk', () => {
    const withDisk = (type: string, localStorageGB: number) => like('c5.4xlarge', type, { localStorageGB });
    expect(among('large', [withDisk('a.none', 0), withDisk('a.small', 319), withDisk('a.large', 320)])).toEqual(['a.large', 'a.none']);
  });

  test('of a slow type where the spec allows it, and not of one below its baseline', () => {
    const slow = like('c6id.2xlarge', 'm6id.2xlarge', { peakGbps: 0.5, baselineGbps: 0.5 });
    expect(among('small', [slow], { network: { allowSlow: true } })).toEqual(['m6id.2xlarge']);
    const [below, above] = [like('c6id.2xlarge', 'a', { baselineGbps: 2 }), like('c6id.2xlarge', 'b')];
    expect(among('small', [below, above], { network: { minimumBaselineGbps: 3 } })).toEqual(['b']);
  });

  test('of a dozen types at most, in a fixed order, the own one not among them', () => {
    const names = Array.from({ length: 20 }, (_, index) => `t${String(20 - index).padStart(2, '0')}`);
    const found = among('small', [like('c6id.2xlarge', 'c6id.2xlarge'), ...names.map((name) => like('c6id.2xlarge', name))]);
    expect(found).toEqual([...names].sort().slice(0, 12));
  });

  describe('on demand', () => {
    const prices = { 'c6id.2xlarge': 1, 'a.same': 1, 'a.cheap': 0.7, 'a.near': 0.95, 'a.dear': 1.2, 'a.dearer': 1.05, 'a.too-dear': 1.21 };
    const types = ['a.unpriced', ...Object.keys(prices)].map((type) => like('c6id.2xlarge', type));
    const names = (purchase: object, known: Readonly<Record<string, number>> = prices, given = types) =>
      among('small', given, { purchase, prices: known });

    test('of types whose price is known and at most a fifth higher, the nearest below first', () => {
      expect(names({ spotPercent: 0 })).toEqual(['a.same', 'a.near', 'a.cheap', 'a.dearer', 'a.dear']);
    });

    test('of none where the price of the own type is not known', () => {
      const { 'c6id.2xlarge': _, ...others } = prices;
      expect(names({ spotPercent: 0 }, others)).toEqual([]);
    });

    test('of those that the caller names, in that order, unless they are known to cost too much', () => {
      const instanceTypes = ['a.dear', 'a.unpriced', 'a.cheap', 'a.too-dear'];
      const given = instanceTypes.map((type) => like('c6id.2xlarge', type));
      expect(names({ spotPercent: 0, instanceTypes }, prices, given)).toEqual(['a.dear', 'a.unpriced', 'a.cheap']);
    });

    test('in a part of them of any, those at a known price first', () => {
      expect(names({ spotPercent: 50 })).toEqual(['a.same', 'a.near', 'a.cheap', 'a.dearer', 'a.dear', 'a.too-dear', 'a.unpriced']);
    });
  });
});

describe("A JobManager's host may be", () => {
  const own: InstanceFacts = {
    instanceType: 'r7i.large',
    vcpus: 2,
    memoryMiB: 16_384,
    peakGbps: 12.5,
    localStorageGB: 0,
    architecture: 'x86_64',
    addressesPerInterface: 10,
  };
  const prices = { 'r7i.large': 1, 'a.same': 1 };
  const fits = (changes: Partial<InstanceFacts>) =>
    jobManagerAlternativesOf(undefined, own, [{ ...own, instanceType: 'a.same', ...changes }], prices).length === 1;

  test.each<[string, Partial<InstanceFacts>, string | undefined]>([
    ['of a type just as large', {}, undefined],
    ['of a larger one', { vcpus: 4, memoryMiB: 32_768 }, undefined],
    ['of one with a slower network and fewer addresses, of which it needs one', { peakGbps: 0.5, addressesPerInterface: 1 }, undefined],
    ['of none with less memory than its settings were held against', { memoryMiB: 16_383 }, 'a.same has 16383 MiB, r7i.large has 16384'],
    ['of none with fewer vCPUs', { vcpus: 1 }, 'a.same has 1 vCPUs, r7i.large has 2'],
    [
      'of none of another architecture, which its image does not boot on',
      { architecture: 'arm64' },
      'a.same is arm64, r7i.large is x86_64',
    ],
  ])('%s, and what keeps one from it is said where a caller names it', (_, changes, reason) => {
    expect(fits(changes)).toBe(reason === undefined);
    const facts = new Map([['a.same', { ...own, instanceType: 'a.same', ...changes }]]);
    const path = 'overrides.jobManager.instanceTypes';
    expect(unfitJobManagerAlternatives(['r7i.large', 'a.same', 'a.none'], own, facts, prices)).toEqual([
      ...(reason === undefined ? [] : [{ path, message: reason }]),
      { path, message: 'EC2 has no instance type a.none' },
    ]);
  });

  test('of none that it is already, nor of one that costs too much, which is said', () => {
    expect(fits({ instanceType: 'r7i.large' })).toBe(false);
    const facts = new Map([['a.same', { ...own, instanceType: 'a.same' }]]);
    expect(unfitJobManagerAlternatives(['a.same'], own, facts, { ...prices, 'a.same': 1.5 })).toEqual([
      expect.objectContaining({ message: 'a.same costs 1.50 times what r7i.large does, 1.2 at most' }),
    ]);
  });

  test('of four types at most, whose price is known and at most a fifth higher, the nearest below first', () => {
    const known = { 'r7i.large': 1, 'a.dear': 1.2, 'a.too-dear': 1.21, 'a.near': 0.95, 'a.far': 0.5, 'a.cheap': 0.7, 'a.dearer': 1.05 };
    const candidates = ['a.unpriced', ...Object.keys(known)].map((instanceType) => ({ ...own, instanceType }));
    expect(jobManagerAlternativesOf(undefined, own, candidates, known)).toEqual(['a.near', 'a.cheap', 'a.far', 'a.dearer']);
    expect(jobManagerAlternativesOf(undefined, own, candidates)).toEqual([]);
  });

  test('of those that the caller names, in that order, unless they are known to cost too much', () => {
    const named = ['a.dear', 'a.unpriced', 'a.same'];
    const candidates = named.map((instanceType) => ({ ...own, instanceType }));
    expect(jobManagerAlternativesOf(named, own, candidates, { ...prices, 'a.dear': 1.21 })).toEqual(['a.unpriced', 'a.same']);
  });

  test.each(Object.entries(PRODUCTION_SIZES))(
    'in size %s of several types that the list of prices has',
    (_, { jobManager: { instanceType } }) => {
      const [, size] = instanceType.split('.');
      const alike = Object.keys(ON_DEMAND_PRICES).filter((type) => type.startsWith('r') && type.endsWith(`.${size}`));
      const facts = { ...own, instanceType };
      const candidates = alike.map((type) => ({ ...own, instanceType: type }));
      expect(jobManagerAlternativesOf(undefined, facts, candidates, ON_DEMAND_PRICES)).toHaveLength(4);
    },
  );
});
