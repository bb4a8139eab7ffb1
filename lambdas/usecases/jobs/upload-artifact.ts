import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ArtifactMismatch, ArtifactMissing } from '../../contracts/errors';
import type { StoredJobSpec } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Uploaded } from '../../contracts/workflow';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, ownJob } from '../operations/owned';

export type ArtifactDeps = FlinkDeps & { readonly artifacts: ArtifactsPort };

/** Brings the program that is to run into the JobManager and proves that it is the one that was submitted. */
export const uploadArtifact = async (deps: ArtifactDeps, operation: Operation): Promise<Uploaded> => {
  const { cluster, job } = await ownJob(deps, operation);
  const { program } = operation.request.kind === 'upgrade-job' ? operation.request.spec : job.spec;
  if (program.kind === 'sql') {
    await readScript(deps.artifacts, program);
    return { jarId: null, reason: 'The SQL script is the one that was submitted' };
  }
  return uploadJar(deps.artifacts, connect(deps.flink, cluster), program, fileNameOf(operation, program));
};

type Jar = Extract<StoredJobSpec['program'], { kind: 'jar' }>;
type Script = Extract<StoredJobSpec['program'], { kind: 'sql' }>;

/** One name for an operation and a program: a second try finds what the first has left. */
export const fileNameOf = (operation: Operation, jar: Jar): string =>
  `${operation.job}-${jar.sha256.slice(0, 12)}-${operation.operationId.slice(3, 15)}.jar`;

/** Streams a jar from S3 into Flink and hashes it on the way, so that memory does not grow with the jar. @throws ArtifactMissing, ArtifactMismatch */
export const uploadJar = async (artifacts: ArtifactsPort, flink: FlinkPort, jar: Jar, fileName: string): Promise<Uploaded> => {
  const size = await artifacts.size(jar.uri);
  if (size === undefined) throw new ArtifactMissing(`${jar.uri} does not exist or may not be read`);
  for (const left of await flink.jarsNamed(fileName)) await flink.deleteJar(left);
  const hash = createHash('sha256');
  const jarId = await flink.uploadJar(fileName, Readable.from(hashing(await artifacts.open(jar.uri), hash)), size);
  const seen = hash.digest('hex');
  // The seen hash stays inside: it would tell a caller what is in a file.
  if (seen !== jar.sha256) {
    await flink.deleteJar(jarId);
    throw new ArtifactMismatch(`${jar.uri} does not have SHA-256 ${jar.sha256} as submitted`);
  }
  return { jarId, reason: `${jar.uri} (${size} bytes, SHA-256 as submitted) is in the JobManager` };
};

/** @throws ArtifactMissing, ArtifactMismatch */
export const readScript = async (artifacts: ArtifactsPort, script: Script): Promise<string> => {
  const text = await artifacts.getText(script.uri);
  if (text === undefined) throw new ArtifactMissing(`${script.uri} does not exist or may not be read`);
  const seen = createHash('sha256').update(text).digest('hex');
  if (seen !== script.sha256) throw new ArtifactMismatch(`${script.uri} does not have SHA-256 ${script.sha256} as submitted`);
  return text;
};

async function* hashing(content: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
}
