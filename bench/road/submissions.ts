import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import type { SluiceClient } from '../../local/client/sluice-client';
import type { TwinFile } from '../../local/twin/twin-file';
import { median, rounded } from '../statistics';

export interface SubmissionFigures {
  readonly program: 'jar' | 'sql';
  /** Seconds from the request to the operation's end, when the API says that the job is RUNNING; median. */
  readonly apiSeconds: number;
  /** Seconds for the same program through Flink's REST API by hand: upload, run, all tasks RUNNING; median. */
  readonly byHandSeconds: number;
  readonly overheadSeconds: number;
  readonly api: readonly number[];
  readonly byHand: readonly number[];
  /** Operations of the API's runs. */
  readonly operationIds: readonly string[];
}

const SQL = `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM numbers;
`;

interface Bench {
  readonly client: SluiceClient;
  readonly twin: TwinFile;
  readonly cluster: string;
  readonly flink: FlinkPort;
  readonly jarPath: string;
}

const allRunning = async (flink: FlinkPort, id: string): Promise<void> => {
  for (;;) {
    const seen = await flink.job(id);
    if (seen && seen.tasks.total > 0 && seen.tasks.running === seen.tasks.total) return;
    if (seen?.state === 'FAILED') throw new Error(`the job failed: ${seen.failure}`);
    await sleep(50);
  }
};

const timed = async (work: () => Promise<void>): Promise<number> => {
  const begun = performance.now();
  await work();
  return rounded((performance.now() - begun) / 1_000, 3);
};

const gone = async (flink: FlinkPort, id: string): Promise<void> => {
  await flink.cancel(id);
  while (!['CANCELED', 'FAILED', 'FINISHED', undefined].includes((await flink.job(id))?.state)) await sleep(50);
};

const byHand = async ({ flink, jarPath }: Bench, program: 'jar' | 'sql', name: string): Promise<number> => {
  const flinkJobId = randomBytes(16).toString('hex');
  const request = { flinkJobId, jobName: name, parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
  const seconds = await timed(async () => {
    if (program === 'sql') await flink.runSql({ ...request, script: SQL });
    else {
      const jarId = await flink.uploadJar('counter.jar', createReadStream(jarPath), statSync(jarPath).size);
      await flink.runJar({ ...request, jarId, arguments: [] });
    }
    await allRunning(flink, flinkJobId);
  });
  await gone(flink, flinkJobId);
  return seconds;
};

const throughApi = async ({ client, cluster, twin, jarPath }: Bench, program: 'jar' | 'sql', name: string): Promise<{ seconds: number; operationId: string }> => {
  const spec = program === 'sql' ? { sql: { script: SQL } } : { jar: { uri: `s3://${twin.artifactBucket}/bench/counter.jar`, sha256: createHash('sha256').update(readFileSync(jarPath)).digest('hex') } };
  let operationId = '';
  const seconds = await timed(async () => {
    const accepted = await client.submitJob(cluster, { name, parallelism: 1, ...spec });
    operationId = accepted.operationId;
    await client.succeeded(accepted);
  });
  await client.succeeded(await client.changeJob(cluster, name, 'cancel'));
  return { seconds, operationId };
};

/** The same program through the API and by hand, in turns on one cluster, so that both meet the same machine. */
export const measureSubmissions = async (at: Omit<Bench, 'flink'> & { readonly jobManagerAddress: string }, runs: number): Promise<SubmissionFigures[]> => {
  const bench: Bench = { ...at, flink: connectFlink(at.jobManagerAddress) };
  const s3 = new S3Client({ endpoint: at.twin.awsEndpoint, region: at.twin.region, credentials: at.twin.credentials, forcePathStyle: true });
  await s3.send(new PutObjectCommand({ Bucket: at.twin.artifactBucket, Key: 'bench/counter.jar', Body: readFileSync(at.jarPath) }));
  const figures: SubmissionFigures[] = [];
  for (const program of ['jar', 'sql'] as const) {
    // The first of a kind loads classes for all that follow.
    await byHand(bench, program, `warm-${program}`);
    await throughApi(bench, program, `warm-${program}`);
    const api: { seconds: number; operationId: string }[] = [];
    const hand: number[] = [];
    for (let run = 1; run <= runs; run += 1) {
      hand.push(await byHand(bench, program, `hand-${program}-${run}`));
      api.push(await throughApi(bench, program, `api-${program}-${run}`));
    }
    const apiSeconds = median(api.map((one) => one.seconds));
    const byHandSeconds = median(hand);
    figures.push({
      program,
      apiSeconds,
      byHandSeconds,
      overheadSeconds: rounded(apiSeconds - byHandSeconds, 3),
      api: api.map((one) => one.seconds),
      byHand: hand,
      operationIds: api.map((one) => one.operationId),
    });
  }
  return figures;
};
