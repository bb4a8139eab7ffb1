import { type CheckpointMetadata, readCheckpointMetadata } from '../../lambdas/domain/checkpoint-metadata';
import { createArtifacts } from '../../lambdas/gateways/aws/artifacts.adapter';
import type { ArtifactsPort } from '../../lambdas/gateways/aws/artifacts.port';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { resolveFiles, stateChecker } from '../../lambdas/usecases/state/check-state';
import { eventually } from './support/eventually';
import { type FlinkOnS3, startFlinkOnS3 } from './support/flink-on-s3';
import { allRun, newJobId } from './support/flink-suite';

jest.setTimeout(180_000);
/** The first time, Flink is downloaded. */
const INSTALL_MS = 900_000;

const BUCKET = `state-${process.pid}-${Date.now()}`;
/** From some thousand rows a second on, more is made than the text work behind the exchange takes: buffers are always in flight. */
const script = (
  rowsPerSecond: number,
) => `CREATE TABLE made (n BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '${rowsPerSecond}', 'fields.k.min' = '0', 'fields.k.max' = '200');
CREATE TABLE nowhere (k INT, t STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k, REGEXP_REPLACE(REPEAT(CAST(c AS STRING), 100), '[0-9]+9', 'x') FROM (SELECT k, COUNT(*) AS c FROM made GROUP BY k);`;

describe('The metadata that real Flink writes', () => {
  let real: FlinkOnS3;
  let flink: FlinkPort;
  let artifacts: ArtifactsPort;

  beforeAll(async () => {
    real = await startFlinkOnS3({
      address: '127.71.8.10',
      restPort: 4685,
      directory: 'local/.state/test/checkpoint-metadata',
      bucket: BUCKET,
    });
    flink = connectFlink({ port: real.restPort })([real.address]);
    artifacts = createArtifacts({ client: s3Client() });
  }, INSTALL_MS);
  afterEach(async () => {
    for (const { flinkJobId } of await flink.jobs()) await flink.cancel(flinkJobId);
  });
  afterAll(() => real?.stop());

  const start = async (rowsPerSecond: number, flinkConfiguration: Record<string, string>): Promise<string> => {
    const flinkJobId = newJobId();
    await flink.runSql({
      flinkJobId,
      jobName: 'written',
      script: script(rowsPerSecond),
      parallelism: 2,
      allowNonRestoredState: false,
      flinkConfiguration,
    });
    await eventually(() => flink.job(flinkJobId), allRun, 60_000);
    return flinkJobId;
  };
  const read = async (location: string): Promise<CheckpointMetadata> =>
    readCheckpointMetadata((await artifacts.read(`${location}/_metadata`)) ?? Buffer.alloc(0));
  /** Whole URIs of what the metadata names, and of what lies below a directory apart from the metadata itself. */
  const named = (location: string, { files }: CheckpointMetadata): string[] => resolveFiles(location, files).map(({ path }) => path);
  const below = async (directory: string): Promise<string[]> =>
    (await artifacts.list(BUCKET, directory.replace(`s3://${BUCKET}/`, '')))
      .map(({ key }) => `s3://${BUCKET}/${key}`)
      .filter((uri) => !uri.endsWith('/_metadata'));

  it('of an unaligned checkpoint names each of its files in its right size, the buffers in flight included', async () => {
    const flinkJobId = await start(50_000, {
      'execution.checkpointing.unaligned.enabled': 'true',
      'execution.checkpointing.data-inline-threshold': '0 b',
      'execution.checkpointing.dir': `s3://${BUCKET}/unaligned`,
    });
    type Statistics = { latest: { completed?: { id: number; external_path: string; persisted_data: number } } };
    const statistics = async () => (await (await fetch(`${real.url}/jobs/${flinkJobId}/checkpoints`)).json()) as Statistics;
    const holdsBuffers = (seen: Statistics) => (seen.latest.completed?.persisted_data ?? 0) > 0;
    await eventually(statistics, holdsBuffers, 60_000);
    // The last one stays as it is once the job has ended.
    await flink.cancel(flinkJobId);
    await eventually(
      () => flink.job(flinkJobId),
      (job) => job?.state === 'CANCELED',
      60_000,
    );
    const { completed } = (await statistics()).latest;
    if (!completed || completed.persisted_data === 0) throw new Error(`no buffers were in flight: ${JSON.stringify(completed)}`);
    const location = completed.external_path;
    const metadata = await read(location);
    expect(metadata.checkpointId).toBe(completed.id);
    const files = named(location, metadata);
    expect(files.filter((file) => file.startsWith(`${location}/`)).sort()).toEqual((await below(location)).sort());
    expect(metadata.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeGreaterThanOrEqual(completed.persisted_data);
    expect(await stateChecker(artifacts)(location)).toMatchObject({ state: 'complete', files: files.length + 1 });

    const [lost = ''] = await below(location);
    await artifacts.deleteObjects(BUCKET, [lost.replace(`s3://${BUCKET}/`, '')]);
    expect(await stateChecker(artifacts)(location)).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining(`${lost} is missing`),
    });
  });

  it('of a native savepoint names all that lies in its directory, and nothing elsewhere', async () => {
    const [flinkJobId, trigger] = [await start(200, { 'execution.checkpointing.data-inline-threshold': '0 b' }), newJobId()];
    await flink.triggerSavepoint(flinkJobId, trigger, `s3://${BUCKET}/native`);
    const seen = await eventually(
      () => flink.savepoint(flinkJobId, trigger),
      ({ state }) => state !== 'in-progress',
      60_000,
    );
    if (seen.state !== 'completed') throw new Error(JSON.stringify(seen));
    const metadata = await read(seen.location);
    expect(metadata.files.every(({ relative }) => relative)).toBe(true);
    const files = named(seen.location, metadata);
    expect(files.length).toBeGreaterThan(0);
    expect(files.sort()).toEqual((await below(seen.location)).sort());
    expect(await stateChecker(artifacts)(seen.location)).toMatchObject({ state: 'complete', files: files.length + 1 });
  });
});
