import fc from 'fast-check';
import { decideSnapshotDeletion, type JobAtStake } from '../../../lambdas/domain/decide-snapshot-deletion';
import { metadataOf, type Snapshot } from '../../../lambdas/domain/plan-retention';
import { snapshotIdOf, snapshotLocation } from '../../../lambdas/domain/snapshot-id';

const job = (name: string): string => `s3://state/clusters/flights/jobs/${name}`;
const start = (epoch: number): string => String(epoch).repeat(32);

interface Made {
  readonly epoch: number;
  readonly own: number;
  readonly shares: readonly number[];
  readonly restorable: Snapshot['restorable'];
  readonly savepoint: boolean;
}
const made = fc.record<Made>({
  epoch: fc.integer({ min: 1, max: 4 }),
  own: fc.integer({ min: 0, max: 2 }),
  shares: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 4 }),
  restorable: fc.constantFrom<Snapshot['restorable']>('yes', 'yes', 'yes', 'yes', 'no', 'unknown'),
  savepoint: fc.boolean(),
});
/** A file that any snapshot of any job may share. */
const pooled = (n: number): string => `${job(`job-${n % 2}`)}/checkpoints/${start((n % 4) + 1)}/shared/${n}`;

const atStake = fc
  .array(fc.record({ made: fc.array(made, { maxLength: 8 }), over: fc.boolean(), origin: fc.integer({ min: 0, max: 7 }) }), {
    minLength: 1,
    maxLength: 2,
  })
  .map((jobs) =>
    jobs.map(({ made: those, over, origin }, index): JobAtStake => {
      const name = `job-${index}`;
      const snapshots = those.map(({ epoch, own, shares, restorable, savepoint }, number): Snapshot => {
        const location = savepoint ? `${job(name)}/savepoints/s-${number}` : `${job(name)}/checkpoints/${start(epoch)}/chk-${number}`;
        const files = [metadataOf(location), ...Array.from({ length: own }, (_, n) => `${location}/${n}`), ...shares.map(pooled)];
        return { location, kind: savepoint ? 'savepoint' : 'checkpoint', epoch, files, restorable };
      });
      return {
        ...{ job: name, policy: { count: 5, days: 5 }, snapshots, pinned: [] },
        ...{ untouchable: [`${job(name)}/checkpoints/${start(4)}`], over, epoch: 4, origin: snapshots[origin]?.location },
      };
    }),
  );
const objectsOf = (jobs: readonly JobAtStake[]): readonly string[] => [
  ...new Set(jobs.flatMap(({ snapshots }) => snapshots.flatMap(({ files }) => files))),
];

describe('A snapshot that somebody wants deleted', () => {
  test('takes no file with it that another needs, goes only where another can be restored, and leaves a running start alone', () => {
    let deleted = 0;
    fc.assert(
      fc.property(atStake, (jobs) => {
        for (const { job: name, snapshots, over, untouchable } of jobs)
          for (const { location } of snapshots) {
            const decision = decideSnapshotDeletion({ job: name, location }, jobs, objectsOf(jobs));
            expect(decision.action).not.toBe('none');
            if (decision.action !== 'delete') continue;
            deleted += 1;
            expect(decision.metadata).toBe(metadataOf(location));
            const others = jobs.flatMap((one) => one.snapshots).filter((one) => one.location !== location);
            for (const { files } of others) for (const file of files) expect(decision.files).not.toContain(file);
            const whole = snapshots.filter(({ restorable }) => restorable === 'yes');
            if (whole.some((one) => one.location === location)) expect(whole.length).toBeGreaterThan(1);
            if (!over) for (const directory of untouchable) expect(location.startsWith(`${directory}/`)).toBe(false);
            if (others.some(({ restorable }) => restorable === 'unknown')) expect(decision.files).toEqual([]);
          }
      }),
      { numRuns: 300 },
    );
    expect(deleted).toBeGreaterThan(100);
  });

  test('that is gone already leaves nothing to do, and one of which the metadata is gone the rest of its directory', () => {
    const location = `${job('job-0')}/savepoints/s-1`;
    const jobs: JobAtStake[] = [
      { job: 'job-0', policy: { count: 1, days: 1 }, snapshots: [], pinned: [], untouchable: [], over: true, epoch: 1 },
    ];
    expect(decideSnapshotDeletion({ job: 'job-0', location }, jobs, [])).toEqual({ action: 'none', reason: 'It is gone' });
    expect(decideSnapshotDeletion({ job: 'job-0', location }, jobs, [`${location}/1`, `${location}2/1`])).toEqual({
      action: 'delete',
      files: [`${location}/1`],
      reason: 'Deleted with 1 files',
    });
  });

  test.each([
    [`s3://state/clusters/flights/jobs/delays/checkpoints/${'a'.repeat(32)}/chk-12`, `${'a'.repeat(32)}-chk-12`],
    ['s3://state/clusters/flights/jobs/delays/savepoints/savepoint-8a99d6-20a20a586b77', 'savepoint-8a99d6-20a20a586b77'],
    ['s3://state/clusters/flights/jobs/delays/savepoints/taken/savepoint-8a99d6-20a20a586b77', 'taken-savepoint-8a99d6-20a20a586b77'],
  ])('is found again by its id: %s', (location, id) => {
    expect(snapshotIdOf(`${location}/`)).toBe(id);
    expect(snapshotLocation('state', 'flights', 'delays', id)).toBe(location);
  });
});
