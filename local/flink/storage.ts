import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { control } from '../client/control';
import { paths } from '../install/install';
import { awaited } from './cluster';

const ROOT = resolve(__dirname, '../..');
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

export interface Storage {
  readonly endpoint: string;
  /** What a process needs to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly s3: S3Client;
  /** S3 answers so many calls of an operation with 503 from now on; 0: it answers all again. @param path of the requests that it does so to: `/bucket/key`, with * */
  refuse(action: string, calls: number, path?: string): Promise<void>;
  /** S3 takes so much longer for the next call of an operation to such a path. @returns whether it has come */
  delay(action: string, milliseconds: number, path: string): Promise<() => Promise<boolean>>;
  stop(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((found, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? found(address.port) : failed(new Error('no port'))));
    });
  });

/** The twin's S3 by itself, empty but for the bucket. */
export const startStorage = async (bucket: string): Promise<Storage> => {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const guard = [join(ROOT, 'local/twin/guard.py'), '1', paths().python, '-m', 'emulator', '--no-iam', '--port', String(port)];
  const child = spawn('python3', ['-IS', ...guard], { cwd: join(ROOT, 'local'), stdio: ['pipe', 'ignore', 'inherit'] });
  const stop = (): Promise<void> => ended(child);
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  try {
    const made = () =>
      s3.send(new CreateBucketCommand({ Bucket: bucket })).then(
        () => true,
        () => undefined,
      );
    await awaited('The emulator of S3', made, { withinMs: 60_000, everyMs: 200 });
  } catch (error) {
    await stop();
    throw error;
  }
  const environment = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const refuse = async (action: string, calls: number, path?: string): Promise<void> => {
    const name = `${action}-refused`;
    await control(endpoint, 'DELETE', `faults/${name}`);
    if (calls === 0) return;
    const rule = { service: 's3', action, status: 503, code: 'SlowDown', count: calls, name, ...(path === undefined ? {} : { path }) };
    await control(endpoint, 'POST', 'faults', rule);
  };
  const delay = async (action: string, milliseconds: number, path: string): Promise<() => Promise<boolean>> => {
    const name = `${action}-delayed`;
    await control(endpoint, 'DELETE', `faults/${name}`);
    await control(endpoint, 'POST', 'faults', { service: 's3', action, delayMs: milliseconds, count: 1, path, name });
    return async () => {
      const rules = await control<readonly { readonly name: string; readonly hits: number }[]>(endpoint, 'GET', 'faults');
      return rules.some((rule) => rule.name === name && rule.hits > 0);
    };
  };
  return { endpoint, environment, s3, refuse, delay, stop };
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once('exit', done));
  child.stdin?.end();
  await exit;
};
