import fc from 'fast-check';
import { metadataOf, planRetention, type RetentionInput, type RetentionPlan, type Snapshot } from '../../../lambdas/domain/plan-retention';

const NOW = Date.parse('2026-06-01T00:00:00.000Z');
const HOUR = 3_600;
const SAFETY = 24 * HOUR;
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();
const job = (name: string): string => `s3://state/clusters/flights/jobs/${name}`;

interface Made {
  readonly age: number;
  readonly own: number;
  readonly shares: readonly number[];
  readonly restorable: Snapshot['restorable'];
  readonly epoch: number;
  readonly savepoint: boolean;
}
interface MadeJob {
  readonly made: readonly Made[];
  readonly count: number;
  readonly days: number;
  readonly pinned: readonly number[];
  readonly orphans: readonly number[];
}

const snapshotArb = (withUnknown: boolean): fc.Arbitrary<Made> =>
  fc.record({
    age: fc.oneof(fc.integer({ min: 0, max: 2 * SAFETY }), fc.integer({ min: 0, max: 90 * 24 * HOUR })),
    own: fc.integer({ min: 0, max: 3 }),
    // Files of a pool that all snapshots of all jobs draw from.
    shares: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 6 }),
    restorable: withUnknown
      ? fc.constantFrom<Snapshot['restorable']>('yes', 'yes', 'yes', 'no', 'unknown')
      : fc.constantFrom<Snapshot['restorable']>('yes', 'yes', 'yes', 'no'),
    epoch: fc.integer({ min: 1, max: 4 }),
    savepoint: fc.boolean(),
  });
const jobArb = (withUnknown: boolean): fc.Arbitrary<MadeJob> =>
  fc.record({
    made: fc.array(snapshotArb(withUnknown), { maxLength: 12 }),
    count: fc.integer({ min: 1, max: 5 }),
    days: fc.integer({ min: 1, max: 40 }),
    pinned: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 2 }),
    orphans: fc.array(fc.integer({ min: 0, max: 90 * 24 * HOUR }), { maxLength: 5 }),
  });

/** The pool's file n lies with the job and start that would have written it. */
const pooled = (n: number): string => `${job(`job-${n % 3}`)}/checkpoints/start-${(n % 4) + 1}/shared/${n}`;

const inputOf = (jobs: readonly MadeJob[]): RetentionInput => {
  const objects = new Map<string, string>();
  const put = (uri: string, age: number) =>
    objects.set(
      uri,
      ago(Math.max(age, NOW - Date.parse(objects.get(uri) ?? ago(0)) > 0 ? (NOW - Date.parse(objects.get(uri) ?? ago(0))) / 1_000 : 0)),
    );
  const built = jobs.map((given, index) => {
    const name = `job-${index}`;
    const snapshots = given.made
      .map((made, number): Snapshot => {
        const location = made.savepoint
          ? `${job(name)}/savepoints/savepoint-${number}`
          : `${job(name)}/checkpoints/start-${made.epoch}/chk-${number}`;
        const files = [metadataOf(location), ...Array.from({ length: made.own }, (_, n) => `${location}/${n}`), ...made.shares.map(pooled)];
        for (const file of files) put(file, made.age);
        return {
          ...{ location, kind: made.savepoint ? 'savepoint' : 'checkpoint', epoch: made.epoch, checkpointId: number },
          ...{ completedAt: ago(made.age), files, restorable: made.restorable },
        };
      })
      .sort((a, b) => (b.completedAt ?? '').localeCompare(a.completedAt ?? ''));
    given.orphans.forEach((age, n) => void put(`${job(name)}/checkpoints/start-${(n % 4) + 1}/shared/orphan-${n}`, age));
    return {
      ...{ job: name, policy: { count: given.count, days: given.days }, snapshots },
      pinned: given.pinned.flatMap((at) => snapshots[at]?.location ?? []),
      untouchable: [`${job(name)}/checkpoints/start-4`],
    };
  });
  return { jobs: built, objects: [...objects].map(([uri, modifiedAt]) => ({ uri, modifiedAt })), now: ago(0), safetySeconds: SAFETY };
};

const inputs = (withUnknown = false) => fc.array(jobArb(withUnknown), { minLength: 1, maxLength: 3 }).map(inputOf);
const all = ({ jobs }: RetentionInput): readonly Snapshot[] => jobs.flatMap(({ snapshots }) => snapshots);
const kept = (input: RetentionInput, plan: RetentionPlan): readonly Snapshot[] => {
  const locations = new Set(plan.keep.map(({ location }) => location));
  return all(input).filter(({ location }) => locations.has(location));
};
/** What is left once these are deleted; a snapshot without its metadata is none any more. */
const without = (input: RetentionInput, deleted: ReadonlySet<string>): RetentionInput => ({
  ...input,
  jobs: input.jobs.map((one) => ({ ...one, snapshots: one.snapshots.filter(({ location }) => !deleted.has(metadataOf(location))) })),
  objects: input.objects.filter(({ uri }) => !deleted.has(uri)),
});
const holds = (property: (input: RetentionInput, plan: RetentionPlan) => void, withUnknown = false) =>
  fc.assert(
    fc.property(inputs(withUnknown), (input) => property(input, planRetention(input))),
    { numRuns: 200 },
  );

describe('A plan of what is kept, whatever the jobs and whatever their snapshots share,', () => {
  test('never deletes a file that a snapshot which stays refers to', () => {
    holds((input, plan) => {
      const deleted = new Set([...plan.first, ...plan.afterwards]);
      for (const { files } of kept(input, plan)) for (const file of files) expect(deleted).not.toContain(file);
    });
  });

  test('judges every snapshot once, and deletes the metadata of exactly those that go', () => {
    holds((input, plan) => {
      expect([...plan.keep, ...plan.drop].map(({ location }) => location).sort()).toEqual(
        all(input)
          .map(({ location }) => location)
          .sort(),
      );
      expect(plan.first).toEqual(plan.drop.map(({ location }) => metadataOf(location)));
    });
  });

  test('always keeps the newest snapshot of each job that can be restored, and every one that is named by somebody', () => {
    holds((input, plan) => {
      const locations = plan.keep.map(({ location }) => location);
      for (const { snapshots, pinned } of input.jobs) {
        const newest = snapshots.find(({ restorable }) => restorable === 'yes');
        if (newest) expect(locations).toContain(newest.location);
        expect(locations).toEqual(expect.arrayContaining([...pinned]));
      }
    });
  });

  test('leaves alone the directory of the present start, and whatever is younger than the safety age', () => {
    holds((input, plan) => {
      const ages = new Map(input.objects.map(({ uri, modifiedAt }) => [uri, (NOW - Date.parse(modifiedAt)) / 1_000]));
      for (const uri of [...plan.first, ...plan.afterwards]) {
        for (const { untouchable } of input.jobs) for (const directory of untouchable) expect(uri.startsWith(`${directory}/`)).toBe(false);
        expect(ages.get(uri)).toBeGreaterThan(SAFETY);
      }
    });
  });

  test('broken off anywhere leaves every snapshot that still has its metadata with all its files, and the next plan finishes it', () => {
    fc.assert(
      fc.property(inputs(), fc.double({ min: 0, max: 1, noNaN: true }), (input, share) => {
        const plan = planRetention(input);
        const order = [...plan.first, ...plan.afterwards];
        const before = without(input, new Set(order.slice(0, Math.floor(order.length * share))));
        const left = new Set(before.objects.map(({ uri }) => uri));
        for (const { files } of all(before)) for (const file of files) expect(left).toContain(file);
        const next = planRetention(before);
        const done = without(before, new Set([...next.first, ...next.afterwards]));
        expect(planRetention(done)).toMatchObject({ drop: [], first: [], afterwards: [] });
        expect(done.objects).toEqual(without(input, new Set(order)).objects);
      }),
      { numRuns: 200 },
    );
  });

  test('deletes nothing at all as long as it is not known which files some snapshot needs', () => {
    holds((input, plan) => {
      if (all(input).every(({ restorable }) => restorable !== 'unknown')) return;
      expect(plan).toMatchObject({
        drop: [],
        first: [],
        afterwards: [],
        reason: expect.stringMatching(/^Nothing is deleted: which files/),
      });
    }, true);
  });

  test('does delete: beyond the count and older than the days nothing stays without a reason', () => {
    let dropped = 0;
    holds((input, plan) => {
      dropped += plan.drop.length;
      const reasons = new Map(plan.keep.map(({ location, reason }) => [location, reason]));
      for (const { snapshots, policy } of input.jobs) {
        const counted = snapshots.filter(({ location }) => reasons.get(location) === 'it is among those to keep');
        expect(counted.length).toBeLessThanOrEqual(policy.count);
        for (const { completedAt = '' } of counted) expect(NOW - Date.parse(completedAt)).toBeLessThanOrEqual(policy.days * 86_400_000);
      }
    });
    expect(dropped).toBeGreaterThan(100);
  });
});

const chk = (start: number, number: number, days: number, more: Partial<Snapshot> = {}): Snapshot => {
  const location = `${job('delays')}/checkpoints/start-${start}/chk-${number}`;
  const files = [metadataOf(location), `${location}/own`];
  return {
    location,
    kind: 'checkpoint',
    epoch: start,
    checkpointId: number,
    completedAt: ago(days * 86_400),
    files,
    restorable: 'yes',
    ...more,
  };
};

test.each<[string, readonly Snapshot[], { count: number; days: number }, Readonly<Record<string, RegExp>>]>([
  [
    'the fourth goes where three are kept',
    [chk(1, 4, 2), chk(1, 3, 3), chk(1, 2, 4), chk(1, 1, 5)],
    { count: 3, days: 30 },
    { 'chk-1': /3 newer ones are kept/ },
  ],
  ['what is too old goes', [chk(1, 4, 2), chk(1, 3, 31)], { count: 3, days: 30 }, { 'chk-3': /older than 30 days/ }],
  ['the last that can be restored stays, however old', [chk(1, 4, 400)], { count: 1, days: 1 }, {}],
  [
    'a broken one does not count as the last that can be restored',
    [chk(1, 4, 40, { restorable: 'no', because: 'a file is missing' }), chk(1, 3, 50)],
    { count: 1, days: 30 },
    { 'chk-4': /cannot be restored: a file is missing/ },
  ],
  [
    'checkpoints of the present start do not count',
    [chk(4, 9, 2), chk(4, 8, 2), chk(3, 7, 3), chk(3, 6, 4)],
    { count: 1, days: 30 },
    { 'chk-6': /1 newer/ },
  ],
])('%s', (_, snapshots, policy, dropped) => {
  const untouchable = [`${job('delays')}/checkpoints/start-4`];
  const objects = snapshots.flatMap(({ files, completedAt = '' }) => files.map((uri) => ({ uri, modifiedAt: completedAt })));
  const plan = planRetention({
    jobs: [{ job: 'delays', policy, snapshots, pinned: [], untouchable }],
    objects,
    now: ago(0),
    safetySeconds: SAFETY,
  });
  const names = plan.drop.map(({ location, reason }) => [location.split('/').at(-1), reason]);
  expect(Object.fromEntries(names)).toEqual(
    Object.fromEntries(Object.entries(dropped).map(([name, reason]) => [name, expect.stringMatching(reason)])),
  );
  expect(plan.afterwards).toHaveLength(plan.drop.length);
});
