import { ArtifactMissing } from '../../../lambdas/contracts/errors';
import type { Job } from '../../../lambdas/contracts/job';
import { chooseRestorePoint } from '../../../lambdas/usecases/restore-point';
import { createFakeArtifacts, type FakeArtifacts } from '../../fakes/fake-artifacts';
import { createFakeStore } from '../../fakes/fake-store';
import { STAGE } from '../../state-machines/support/world';

const JOB_STATE = 's3://state/clusters/flights/jobs/delays';
const savepoint = (name: string) => `${JOB_STATE}/savepoints/savepoint-${name}`;
const checkpoint = (start: string, number: number) => `${JOB_STATE}/checkpoints/${start}/chk-${number}`;
const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute));

interface Case {
  /** Minute at which each lies complete in S3. */
  readonly stored?: Readonly<Record<string, number>>;
  readonly latestSavepoint?: string;
  /** Minute at which each was recorded, which may be long after it was complete. */
  readonly recorded?: Readonly<Record<string, number>>;
  readonly restore?: Partial<Job['spec']['restore']>;
}

const choose = async ({ stored = {}, latestSavepoint, recorded = {}, restore = {} }: Case) => {
  const artifacts: FakeArtifacts = createFakeArtifacts();
  const store = createFakeStore(() => at(59));
  for (const [location, minute] of Object.entries(stored)) artifacts.put(`${location}/_metadata`, 'm', at(minute));
  for (const [location, minute] of Object.entries(recorded))
    await store.putSnapshot({
      cluster: 'flights',
      job: 'delays',
      location,
      kind: 'savepoint',
      origin: 'op-1',
      flinkJobId: 'f'.repeat(32),
      takenAt: at(minute).toISOString(),
    });
  const job = {
    cluster: 'flights',
    name: 'delays',
    spec: { restore: { from: 'latest', allowNonRestoredState: false, ...restore } },
    ...(latestSavepoint === undefined ? {} : { latestSavepoint }),
  } as Job;
  return chooseRestorePoint({ artifacts, store, stage: STAGE }, job);
};

const [A, B] = [savepoint('a'), savepoint('b')];

test.each<[string, Case, string | undefined, RegExp]>([
  ['nothing was ever kept: without state', {}, undefined, /there is none yet/],
  ['only a savepoint', { latestSavepoint: A, stored: { [A]: 1 } }, A, /newest savepoint/],
  ['only a checkpoint', { stored: { [checkpoint('one', 7)]: 1 } }, checkpoint('one', 7), /newest checkpoint/],
  ['a savepoint after a checkpoint', { latestSavepoint: A, stored: { [A]: 2, [checkpoint('one', 7)]: 1 } }, A, /newest savepoint/],
  [
    'a checkpoint after a savepoint that was recorded later still',
    { latestSavepoint: A, recorded: { [A]: 9 }, stored: { [A]: 1, [checkpoint('one', 7)]: 2 } },
    checkpoint('one', 7),
    /newest checkpoint/,
  ],
  [
    'a checkpoint after a savepoint of which no time was recorded',
    { latestSavepoint: A, stored: { [A]: 1, [checkpoint('one', 7)]: 2 } },
    checkpoint('one', 7),
    /newest checkpoint/,
  ],
  [
    'a savepoint in the second of the last checkpoint',
    { latestSavepoint: A, stored: { [A]: 1, [checkpoint('one', 7)]: 1 } },
    A,
    /savepoint/,
  ],
  [
    'a savepoint that is gone',
    { latestSavepoint: A, recorded: { [A]: 9 }, stored: { [checkpoint('one', 7)]: 2 } },
    checkpoint('one', 7),
    /newest checkpoint .*savepoint-a is gone/,
  ],
  [
    'a savepoint that is gone, and one before it',
    { latestSavepoint: B, recorded: { [A]: 1, [B]: 9 }, stored: { [A]: 1 } },
    A,
    /newest savepoint .*savepoint-a.*savepoint-b is gone/,
  ],
  ['a savepoint that was listed but not yet recorded with the job', { recorded: { [A]: 3 }, stored: { [A]: 3 } }, A, /newest savepoint/],
  [
    'a later start with lower checkpoint numbers',
    { stored: { [checkpoint('one', 40)]: 1, [checkpoint('two', 3)]: 5 } },
    checkpoint('two', 3),
    /chk-3/,
  ],
  [
    'an earlier start with lower checkpoint numbers',
    { stored: { [checkpoint('two', 40)]: 5, [checkpoint('one', 3)]: 1 } },
    checkpoint('two', 40),
    /chk-40/,
  ],
  ['none is wanted', { restore: { from: 'none' }, latestSavepoint: A, stored: { [A]: 1 } }, undefined, /as asked/],
  ['a named one is wanted', { restore: { from: 'savepoint', savepoint: B }, latestSavepoint: A, stored: { [A]: 1 } }, B, /as asked/],
])('%s: the job is restored from the newest state there is', async (_, given, location, reason) => {
  expect(await choose(given)).toEqual({ location, reason: expect.stringMatching(reason) });
});

test('a job whose state is all gone is not started without state unless that is asked for', async () => {
  await expect(choose({ latestSavepoint: A })).rejects.toThrow(ArtifactMissing);
  await expect(choose({ latestSavepoint: A })).rejects.toThrow(/savepoint-a is gone.*restore\.from "none"/);
});
