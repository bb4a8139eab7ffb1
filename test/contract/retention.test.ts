import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { Cluster } from '../../lambdas/contracts/cluster';
import type { Job } from '../../lambdas/contracts/job';
import { flinkJobIdOf } from '../../lambdas/domain/flink-job-id';
import { checkpointsPrefix, savepointsPrefix } from '../../lambdas/domain/state-paths';
import { createArtifacts } from '../../lambdas/gateways/aws/artifacts.adapter';
import type { ArtifactsPort } from '../../lambdas/gateways/aws/artifacts.port';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { stateChecker } from '../../lambdas/usecases/state/check-state';
import { listState, type ObjectSeen, readSnapshots, type SnapshotSeen } from '../../lambdas/usecases/state/read-snapshots';
import { findRestorePoint } from '../../lambdas/usecases/state/restore-point';
import { retainSnapshots } from '../../lambdas/usecases/state/retain-snapshots';
import { createFakeStore } from '../fakes/fake-store';
import { counterJar } from './support/counter-jar';
import { eventually } from './support/eventually';
import { type FlinkOnS3, startFlinkOnS3 } from './support/flink-on-s3';
import { allRun, newJobId } from './support/flink-suite';
import { aCluster, aJob } from './support/samples';

jest.setTimeout(420_000);

const KEYS = 400;
const BUCKET = `state-${process.pid}-${Date.now()}`;
const CLUSTER = 'flights';
/** A job of its own for each try of the test. */
let JOB = 'delays';
let tries = 0;
/** Files instead of state in line, many small ones; a start that is restored goes on with its origin's files. */
const SHARING = {
  'execution.checkpointing.data-inline-threshold': '0 b',
  'execution.checkpointing.interval': '1500 ms',
  'execution.state-recovery.claim-mode': 'CLAIM',
};

/** What it has of its origin stays its own: RocksDB writes no new file in place of several, as it may at the first checkpoint. */
const KEEPING = { ...SHARING, 'state.backend.rocksdb.compaction.style': 'NONE' };

let real: FlinkOnS3;
let flink: FlinkPort;
let jarId: string;

beforeAll(async () => {
  const jar = readFileSync(counterJar());
  real = await startFlinkOnS3({
    address: '127.71.6.10',
    restPort: 4683,
    directory: 'local/.state/test/flink-s3',
    slots: 1,
    // Read by the JobManager, not with a job.
    configuration: { 'execution.checkpointing.num-retained': '3' },
    bucket: BUCKET,
  });
  flink = connectFlink({ port: real.restPort })([real.address]);
  jarId = await flink.uploadJar('counter.jar', Readable.from([jar]), jar.length);
}, 900_000);
afterEach(async () => {
  for (const { flinkJobId } of await flink.jobs()) await flink.cancel(flinkJobId);
});
afterAll(() => real?.stop());

const run = async (
  flinkJobId: string,
  directories: { readonly checkpoints: string; readonly savepoints: string },
  savepoint?: string,
  claim = SHARING,
) => {
  await flink.runJar({
    ...{ jarId, flinkJobId, jobName: JOB, arguments: ['--mode', 'show', '--rate', '1500', '--keys', String(KEYS)], parallelism: 1 },
    ...{ allowNonRestoredState: false, ...(savepoint === undefined ? {} : { savepoint }) },
    flinkConfiguration: {
      ...claim,
      'execution.checkpointing.dir': `s3://${BUCKET}/${directories.checkpoints}`,
      'execution.checkpointing.savepoint-dir': `s3://${BUCKET}/${directories.savepoints}`,
    },
  });
  await eventually(() => flink.job(flinkJobId), allRun, 60_000);
};
const ended = (flinkJobId: string) =>
  eventually(
    () => flink.job(flinkJobId),
    (job) => job !== undefined && ['CANCELED', 'FINISHED', 'FAILED'].includes(job.state),
    60_000,
  );
const completed = async (flinkJobId: string, more: number): Promise<void> => {
  const before = (await flink.checkpoints(flinkJobId))?.completed ?? 0;
  await eventually(
    () => flink.checkpoints(flinkJobId),
    (seen) => (seen?.completed ?? 0) >= before + more,
    60_000,
  );
};
const savepoint = async (flinkJobId: string): Promise<string> => {
  const trigger = newJobId();
  await flink.triggerSavepoint(flinkJobId, trigger, `s3://${BUCKET}/${savepointsPrefix(CLUSTER, JOB)}`);
  const seen = await eventually(
    () => flink.savepoint(flinkJobId, trigger),
    ({ state }) => state !== 'in-progress',
    60_000,
  );
  if (seen.state !== 'completed') throw new Error(JSON.stringify(seen));
  return seen.location;
};

/** Number and count of every line that was printed since. */
const printedSince = (length: number): readonly (readonly [number: number, count: number])[] =>
  [
    ...real
      .printed()
      .slice(length)
      .matchAll(/^number (\d+) count (\d+)\n/gm),
  ].map((line) => [Number(line[1]), Number(line[2])] as const);

/** Restores a snapshot beside everything else. @returns the first number that it goes on with */
const restored = async (location: string): Promise<number> => {
  const from = real.printed().length;
  const id = newJobId();
  const beside = { checkpoints: 'beside/checkpoints', savepoints: 'beside/savepoints' };
  await run(id, beside, location, { ...SHARING, 'execution.state-recovery.claim-mode': 'NO_CLAIM' });
  const lines = await eventually(
    async () => printedSince(from),
    (seen) => seen.length > 2 * KEYS,
    60_000,
  );
  await flink.cancel(id);
  await ended(id);
  // Every number comes once and in order, so the count of its key says how many came before: state and position fit to each other.
  for (const [number, count] of lines) expect({ number, count }).toEqual({ number, count: Math.floor(number / KEYS) + 1 });
  return lines[0]?.[0] ?? -1;
};

test('after retention every snapshot that is listed as restorable is restored to its own state, over three starts that share files', async () => {
  JOB = `delays-${++tries}x`;
  const created = createArtifacts({ client: s3Client() });
  /** By retention; Flink deletes too. */
  const deleted = new Set<string>();
  const artifacts: ArtifactsPort = {
    ...created,
    deleteObjects: async (bucket, keys) => {
      for (const key of keys) deleted.add(`s3://${bucket}/${key}`);
      await created.deleteObjects(bucket, keys);
    },
  };
  let now = Date.now();
  const clock = () => new Date(now);
  const store = createFakeStore(clock);
  const stage = { stateBucket: BUCKET, retention: { count: 4, days: 30 } };
  const deps = { artifacts, store, stage, clock, safetySeconds: 1, flink: connectFlink({ port: real.restPort }) };
  const cluster: Cluster = aCluster({
    name: CLUSTER,
    epoch: 1,
    resources: { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: real.address },
  });
  const idOf = (epoch: number) => flinkJobIdOf({ cluster: CLUSTER, clusterEpoch: 1, job: JOB, jobEpoch: epoch });
  const directories = { checkpoints: checkpointsPrefix(CLUSTER, JOB), savepoints: savepointsPrefix(CLUSTER, JOB) };
  const jobAt = (epoch: number, restoredFrom?: string): Job => {
    const { lease: _, ...job } = aJob({ cluster: CLUSTER, name: JOB, epoch, flinkJobId: idOf(epoch), status: 'RUNNING' });
    return { ...job, ...(restoredFrom === undefined ? {} : { restoredFrom }) };
  };

  // Three starts, each of the last checkpoint of the one before, with savepoints in between.
  let origin: string | undefined;
  for (const epoch of [1, 2, 3]) {
    await run(idOf(epoch), directories, origin, epoch === 3 ? KEEPING : SHARING);
    if (epoch === 3) break;
    await completed(idOf(epoch), 3);
    await savepoint(idOf(epoch));
    await completed(idOf(epoch), 2);
    await savepoint(idOf(epoch));
    await completed(idOf(epoch), 3);
    await flink.cancel(idOf(epoch));
    await ended(idOf(epoch));
    const point = await findRestorePoint(deps, cluster, jobAt(epoch, origin));
    expect(point.reason).toMatch(new RegExp(`^from its checkpoint .* of epoch ${epoch} .*all of whose files are there`));
    origin = point.location;
  }
  store.seed({ clusters: [cluster], jobs: [jobAt(3, origin)] });

  const list = async (): Promise<readonly SnapshotSeen[]> => {
    const objects = new Map((await listState(deps, CLUSTER, JOB)).map((object): [string, ObjectSeen] => [object.uri, object]));
    return readSnapshots(deps, cluster, jobAt(3, origin), objects);
  };
  // The third start has just completed its first checkpoint: in part of files of the second.
  await completed(idOf(3), 1);
  const foreignOf = (seen: readonly SnapshotSeen[]): readonly string[] =>
    seen.flatMap(({ location, files }) =>
      files.filter((file) => file.includes('/shared/') && !file.startsWith(location.replace(/\/chk-\d+$/, ''))),
    );
  // Or else this proves little: later starts do use files of earlier ones.
  const before = await eventually(list, (seen) => foreignOf(seen).length > 0);
  expect(before.length).toBeGreaterThanOrEqual(8);
  // A start that claims its origin deletes that one's files when it needs them no more: older checkpoints that shared them are broken then.
  expect(before.filter(({ restorable }) => restorable === 'yes').length).toBeGreaterThanOrEqual(6);
  for (const { restorable, because } of before)
    if (restorable !== 'yes')
      expect({ restorable, because }).toEqual({ restorable: 'no', because: expect.stringMatching(/\/shared\/\S+ is missing/) });

  // While the third start goes on; twice, for it must be safe to repeat.
  now = Date.now() + 3_600_000;
  const first = await retainSnapshots(deps, cluster);
  expect(first.deleted).toBeGreaterThan(0);
  expect(first).toMatchObject({ reason: expect.stringMatching(/snapshots stay, \d+ go/) });
  expect(first.dropped.length).toBeGreaterThanOrEqual(2);
  await retainSnapshots(deps, cluster);
  await savepoint(idOf(3));
  await completed(idOf(3), 2);
  await flink.cancel(idOf(3));
  await ended(idOf(3));

  const left = await list();
  expect(left.flatMap(({ files }) => files.filter((file) => deleted.has(file)))).toEqual([]);
  expect(left.length).toBeLessThan(before.length);
  // The third start has needed files of its origin no more since, and deleted what older checkpoints shared.
  const after = left.filter(({ restorable }) => restorable === 'yes');
  expect(after.filter(({ epoch }) => epoch !== 3).length).toBeGreaterThan(0);
  const check = stateChecker(artifacts);
  const numbers: (readonly [id: number, number: number])[] = [];
  for (const { location, checkpointId = -1 } of after) {
    expect(await check(location)).toMatchObject({ state: 'complete' });
    numbers.push([checkpointId, await restored(location)]);
  }
  // Each goes on from where it was taken: later ones further.
  const byId = [...numbers].sort(([a], [b]) => a - b).map(([, number]) => number);
  expect(byId).toEqual([...new Set(byId)].sort((a, b) => a - b));
  expect(byId[0]).toBeGreaterThan(0);
  console.log(
    `${before.length} snapshots, ${first.dropped.length} dropped with ${first.deleted} objects, ${after.length} restored at ${byId.join(', ')}; ${foreignOf(before).length} uses of another start's files`,
  );
});
