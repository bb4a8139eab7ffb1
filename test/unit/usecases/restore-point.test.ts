import type { Cluster } from '../../../lambdas/contracts/cluster';
import { ArtifactMissing } from '../../../lambdas/contracts/errors';
import type { Job } from '../../../lambdas/contracts/job';
import { flinkJobIdOf } from '../../../lambdas/domain/flink-job-id';
import { counterKey, enteredPrefix } from '../../../lambdas/domain/state-paths';
import { chooseRestorePoint, findRestorePoint } from '../../../lambdas/usecases/state/restore-point';
import { type FileWritten, putState } from '../../fakes/checkpoint-metadata';
import { createFakeArtifacts, type FakeArtifacts } from '../../fakes/fake-artifacts';
import { FakeFlink, fakeConnector } from '../../fakes/fake-flink';
import { createFakeStore } from '../../fakes/fake-store';
import { STAGE } from '../../state-machines/support/world';

const JOB_STATE = 's3://state/clusters/flights/jobs/delays';
const ADDRESS = '127.64.0.10';
const flinkJobId = (epoch: number) => flinkJobIdOf({ cluster: 'flights', clusterEpoch: 2, job: 'delays', jobEpoch: epoch });
const savepoint = (epoch: number, name: string) => `${JOB_STATE}/savepoints/savepoint-${flinkJobId(epoch).slice(0, 6)}-${name.repeat(12)}`;
const checkpoint = (epoch: number, number: number) => `${JOB_STATE}/checkpoints/${flinkJobId(epoch)}/chk-${number}`;
const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute));

/** Minute at which it was complete, and its number where its name does not tell. */
type Stored = readonly [location: string, minute: number, checkpointId?: number];

interface Case {
  readonly stored?: readonly Stored[];
  readonly latestSavepoint?: string;
  readonly recorded?: readonly string[];
  /** Numbers of the checkpoints that the present start has entered; absent: it has no record of its checkpoints. */
  readonly entered?: readonly number[];
  readonly restore?: Partial<Job['spec']['restore']>;
  /** Present epoch. */
  readonly epoch?: number;
  readonly restoredFrom?: string;
  readonly fromNothingAt?: number;
  /** Files of a state are broken so. */
  readonly spoil?: (artifacts: FakeArtifacts) => void;
  /** What Flink says is the latest checkpoint; null: it does not answer. */
  readonly live?: string | null;
}

const SHARED: FileWritten = { path: `${JOB_STATE}/checkpoints/shared-of-all/1`, sizeBytes: 50 };

const world = async (given: Case) => {
  const { stored = [], latestSavepoint, recorded = [], restore = {}, epoch = 4, restoredFrom, live } = given;
  const artifacts = createFakeArtifacts();
  const store = createFakeStore(() => at(59));
  for (const [location, minute, checkpointId] of stored) {
    const files = [{ path: 'state', sizeBytes: 100 }, { path: 'more', sizeBytes: 10 }, SHARED];
    putState(artifacts, location, { checkpointId: checkpointId ?? Number(/\d+$/.exec(location)?.[0]), files, at: at(minute) });
  }
  if (given.entered) artifacts.put(`s3://state/${counterKey('flights', 2, flinkJobId(epoch))}`, 'a counter');
  for (const number of given.entered ?? [])
    artifacts.put(`s3://state/${enteredPrefix('flights', 2, flinkJobId(epoch))}/${String(number).padStart(19, '0')}`, 'an entry');
  given.spoil?.(artifacts);
  for (const location of recorded)
    await store.putSnapshot({
      ...{ cluster: 'flights', job: 'delays', location, kind: 'savepoint', origin: 'op-1' },
      flinkJobId: flinkJobId(1),
      takenAt: at(58).toISOString(),
    });
  const flink = new FakeFlink();
  flink.reachable = live !== null;
  flink.checkpoints = async () => {
    if (live === null) return new FakeFlink({}).checkpoints('none');
    return live === undefined
      ? undefined
      : { completed: 1, failed: 0, latestCompleted: { location: live, at: at(57).toISOString(), sizeBytes: 1, durationMs: 1 } };
  };
  const job = {
    ...{ cluster: 'flights', name: 'delays', epoch, flinkJobId: flinkJobId(epoch) },
    spec: { restore: { from: 'latest', allowNonRestoredState: false, ...restore } },
    ...(latestSavepoint === undefined ? {} : { latestSavepoint }),
    ...(restoredFrom === undefined ? {} : { restoredFrom }),
    fromNothingAt: given.fromNothingAt,
  } as Job;
  const cluster = { name: 'flights', epoch: 2, resources: live === null ? {} : { jobManagerAddress: ADDRESS } } as Cluster;
  return { deps: { artifacts, store, stage: STAGE, flink: fakeConnector(new Map([[ADDRESS, flink]])) }, cluster, job };
};

const choose = async (given: Case) => {
  const { deps, cluster, job } = await world(given);
  return chooseRestorePoint(deps, cluster, job);
};

const [A, B] = [savepoint(1, 'a'), savepoint(1, 'b')];
const taken = (epoch: number, name: string) => savepoint(epoch, name).replace('/savepoints/', '/savepoints/taken/');

test.each<[string, Case, string | undefined, RegExp]>([
  ['nothing was ever kept: without state', {}, undefined, /there is none yet/],
  ['only a savepoint', { latestSavepoint: A, stored: [[A, 1, 3]] }, A, /its savepoint .*epoch 1.*all of whose files are there \(4, /],
  ['only a checkpoint', { stored: [[checkpoint(1, 7), 1]] }, checkpoint(1, 7), /its checkpoint .*chk-7 of epoch 1/],
  [
    'a savepoint after a checkpoint',
    {
      latestSavepoint: A,
      stored: [
        [A, 2, 8],
        [checkpoint(1, 7), 1],
      ],
    },
    A,
    /its savepoint/,
  ],
  [
    'a checkpoint after a savepoint, within the same second',
    {
      stored: [
        [A, 1, 6],
        [checkpoint(1, 7), 1],
      ],
    },
    checkpoint(1, 7),
    /chk-7/,
  ],
  [
    'a savepoint after a checkpoint, within the same second',
    {
      stored: [
        [A, 1, 8],
        [checkpoint(1, 7), 1],
      ],
    },
    A,
    /its savepoint/,
  ],
  [
    'a savepoint that was taken after a checkpoint while the job went on: the checkpoint, which the job goes back to',
    {
      stored: [
        [taken(1, 'a'), 2, 8],
        [checkpoint(1, 7), 1],
      ],
    },
    checkpoint(1, 7),
    /chk-7/,
  ],
  ['only a savepoint that was taken while the job went on', { stored: [[taken(1, 'a'), 1, 3]] }, taken(1, 'a'), /its savepoint/],
  [
    'a checkpoint that was written after the last that its start has entered',
    {
      stored: [
        [checkpoint(4, 8), 2],
        [checkpoint(4, 7), 1],
        [checkpoint(4, 6), 0],
      ],
      entered: [6, 7],
    },
    checkpoint(4, 7),
    /chk-7/,
  ],
  [
    'a checkpoint that was written before its start has entered any: what that was restored from',
    {
      stored: [
        [A, 1, 3],
        [checkpoint(4, 1), 2],
      ],
      restoredFrom: A,
      entered: [],
    },
    A,
    /its savepoint/,
  ],
  [
    'a checkpoint of a start that nobody has on record any more',
    {
      stored: [
        [A, 1, 3],
        [checkpoint(4, 1), 2],
      ],
      restoredFrom: A,
    },
    checkpoint(4, 1),
    /chk-1/,
  ],
  [
    'a savepoint that nobody recorded, of a start that left no checkpoint',
    {
      stored: [
        [savepoint(3, 'c'), 5, 9],
        [checkpoint(2, 7), 6],
      ],
    },
    savepoint(3, 'c'),
    /epoch 3/,
  ],
  [
    'a later start with lower numbers',
    {
      stored: [
        [checkpoint(1, 40), 1],
        [checkpoint(2, 3), 5],
      ],
    },
    checkpoint(2, 3),
    /chk-3/,
  ],
  [
    'an earlier start that completed one more when it was given up already',
    {
      stored: [
        [checkpoint(2, 40), 9],
        [checkpoint(3, 3), 5],
      ],
    },
    checkpoint(3, 3),
    /chk-3/,
  ],
  ['a savepoint that is gone', { latestSavepoint: A, stored: [[checkpoint(1, 7), 2]] }, checkpoint(1, 7), /chk-7/],
  [
    'a newer savepoint that is gone',
    { latestSavepoint: savepoint(2, 'd'), stored: [[checkpoint(1, 7), 2]] },
    checkpoint(1, 7),
    /chk-7.*not from the newer .*savepoint-\w+-d+: it is gone/,
  ],
  ['a savepoint of which only the table knows when it was', { recorded: [A], stored: [[A, 3, 3]] }, A, /its savepoint/],
  ['none is wanted', { restore: { from: 'none' }, latestSavepoint: A, stored: [[A, 1, 3]] }, undefined, /as asked/],
  [
    'a named one is wanted',
    {
      restore: { from: 'savepoint', savepoint: B },
      stored: [
        [A, 2, 5],
        [B, 1, 3],
      ],
    },
    B,
    /as asked/,
  ],
])('%s: the job is restored from the newest state there is', async (_, given, location, reason) => {
  expect(await choose(given)).toMatchObject({ location, reason: expect.stringMatching(reason) });
});

const gone = (path: string) => (artifacts: FakeArtifacts) => artifacts.remove(path);
const [OLD, NEW] = [checkpoint(1, 6), checkpoint(1, 7)];
const TWO: readonly Stored[] = [
  [OLD, 1],
  [NEW, 2],
];

test.each<[string, (artifacts: FakeArtifacts) => void, RegExp]>([
  [
    'a file of its own is missing',
    gone(`${NEW}/state`),
    /not from the newer .*chk-7: 1 of its 3 files are not as they were: .*chk-7\/state is missing/,
  ],
  [
    'a file of its own is shorter than it was',
    (artifacts) => artifacts.put(`${NEW}/state`, 99),
    /chk-7\/state has 99 bytes instead of 100/,
  ],
  ['its metadata is cut off', (artifacts) => artifacts.put(`${NEW}/_metadata`, Buffer.from('496063', 'hex')), /_metadata cannot be read/],
])('a checkpoint is passed over for the one before when %s, and the reason says so', async (_, spoil, reason) => {
  expect(await choose({ stored: TWO, spoil })).toMatchObject({ location: OLD, reason: expect.stringMatching(reason) });
});

test('when a file that all share is missing, the job is not started at all', async () => {
  const starting = choose({ stored: TWO, spoil: gone(SHARED.path) });
  await expect(starting).rejects.toThrow(ArtifactMissing);
  await expect(starting).rejects.toThrow(/no state that can be restored .*chk-7.*chk-6.*restore\.from "none"/);
});

test('a format that is not known here is left to Flink to read, rather than an older state taken', async () => {
  const newer = Buffer.alloc(100);
  newer.writeInt32BE(1_231_054_637);
  newer.writeInt32BE(9, 4);
  const point = await choose({ stored: TWO, spoil: (artifacts) => artifacts.put(`${NEW}/_metadata`, newer) });
  expect(point).toMatchObject({ location: NEW, reason: expect.stringMatching(/could not be checked.*version 9/) });
});

test('a named savepoint that is not whole is refused', async () => {
  const starting = choose({
    restore: { from: 'savepoint', savepoint: B },
    stored: [
      [A, 1, 3],
      [B, 2, 4],
    ],
    spoil: gone(`${B}/more`),
  });
  await expect(starting).rejects.toThrow(/cannot be restored from .*savepoint-\w+-b+: 1 of its 3 files/);
});

test('a job whose state is all gone is not started without state unless that is asked for', async () => {
  await expect(choose({ latestSavepoint: A })).rejects.toThrow(ArtifactMissing);
  await expect(choose({ latestSavepoint: A })).rejects.toThrow(/savepoint-\w+-a+: it is gone.*restore\.from "none"/);
});

describe('A job that ran and is to go on', () => {
  const find = async (given: Case) => {
    const { deps, cluster, job } = await world(given);
    return findRestorePoint(deps, cluster, job);
  };

  test('goes on from the last checkpoint of its present start', async () => {
    const stored: Stored[] = [
      [checkpoint(4, 51), 20],
      [checkpoint(4, 52), 21],
      [checkpoint(3, 50), 19],
    ];
    expect(await find({ stored, restoredFrom: checkpoint(3, 50) })).toMatchObject({ location: checkpoint(4, 52) });
  });

  test('goes on from what it was restored from as long as it has completed nothing, though there is newer', async () => {
    const stored: Stored[] = [
      [checkpoint(3, 50), 19],
      [A, 1, 3],
    ];
    expect(await find({ stored, restoredFrom: A })).toMatchObject({ location: A });
    expect(await find({ stored, restore: { from: 'savepoint', savepoint: A } })).toMatchObject({ location: A });
  });

  test('started without state and nothing completed since: again without state, though earlier starts left some', async () => {
    const given: Case = { stored: [[checkpoint(3, 50), 19]], restore: { from: 'none' } };
    expect(await find(given)).toEqual({
      location: undefined,
      reason: expect.stringMatching(/wanted so, and nothing has been completed since/),
    });
    const since = {
      ...given,
      stored: [
        [checkpoint(3, 50), 19],
        [checkpoint(4, 1), 20],
      ] satisfies Stored[],
    };
    expect(await find(since)).toMatchObject({ location: checkpoint(4, 1) });
  });

  test('started without state and moved since: goes back to no state from before, whatever became of the newer ones', async () => {
    const stored: Stored[] = [
      [checkpoint(2, 40), 18],
      [`${JOB_STATE}/savepoints/by-hand`, 18, 41],
      [checkpoint(3, 1), 19],
      [checkpoint(3, 2), 20],
    ];
    const given: Case = { stored, restore: { from: 'none' }, restoredFrom: checkpoint(3, 2), fromNothingAt: 3 };
    const without = (...spoiled: string[]): Case => ({
      ...given,
      spoil: (artifacts) => spoiled.forEach((location) => void artifacts.remove(`${location}/more`)),
    });
    expect(await find(given)).toMatchObject({ location: checkpoint(3, 2) });
    expect(await find(without(checkpoint(3, 2)))).toMatchObject({ location: checkpoint(3, 1) });
    await expect(find(without(checkpoint(3, 2), checkpoint(3, 1)))).rejects.toThrow(ArtifactMissing);
  });

  test('says when Flink knows of a later checkpoint that is not in S3, and when Flink did not answer', async () => {
    const stored: Stored[] = [[checkpoint(4, 51), 20]];
    expect(await find({ stored, live: checkpoint(4, 52) })).toEqual({
      location: checkpoint(4, 51),
      completedAt: at(20).toISOString(),
      reason: expect.stringMatching(/not from the newer .*chk-52: it is gone/),
    });
    expect(await find({ stored, live: null })).toEqual({
      location: checkpoint(4, 51),
      completedAt: at(20).toISOString(),
      reason: expect.stringMatching(/the cluster has no JobManager/),
    });
  });
});
