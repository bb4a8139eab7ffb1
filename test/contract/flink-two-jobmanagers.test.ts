import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { FlinkUnavailable, JarMissing } from '../../lambdas/contracts/errors';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { connectFlinkMetrics } from '../../lambdas/gateways/flink/metrics.adapter';

/** Addresses of a JobManager and of its stand-by, and one that takes no connection and refuses none: packets to it go nowhere. */
const [FIRST, SECOND] = ['127.71.9.1', '127.71.9.2'] as const;
const NOWHERE = '192.0.2.1';
const JOB = 'a'.repeat(32);

/** What answers at an address as a JobManager's REST API does: every one knows the cluster, each has the jars that were uploaded to it. */
class JobManager {
  readonly asked: string[] = [];
  readonly jars: string[] = [];
  answers = true;
  private server: Server | undefined;

  async listen(address: string, port = 0): Promise<number> {
    this.server = createServer((incoming, outgoing) => {
      incoming.resume().once('end', () => {
        const { method = '', url = '' } = incoming;
        this.asked.push(`${method} ${url}`);
        if (!this.answers) return;
        const [status, body] = this.answer(method, url);
        outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((done) => this.server?.listen(port, address, done));
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => (this.server ? this.server.close(done) : done(undefined)));
  }

  private answer(method: string, url: string): readonly [number, unknown] {
    const jar = decodeURIComponent(/^\/jars\/([^/]+)/.exec(url)?.[1] ?? '');
    if (url === '/jars/upload') {
      this.jars.push(`${this.jars.length}-${this.asked.length}_job.jar`);
      return [200, { filename: `/upload/${this.jars.at(-1)}`, status: 'success' }];
    }
    if (url === '/jars') return [200, { files: this.jars.map((id) => ({ id, name: 'job.jar' })) }];
    if (jar !== '' && !this.jars.includes(jar)) return [400, { errors: [`RestHandlerException: Jar file /upload/${jar} does not exist`] }];
    if (url.endsWith('/run')) return [200, { jobid: JOB }];
    if (method === 'DELETE') return [200, this.jars.splice(this.jars.indexOf(jar), 1) && {}];
    if (url === '/jobs/overview') return [200, { jobs: [] }];
    return [200, { taskmanagers: 1, 'slots-total': 2, 'slots-available': 1 }];
  }
}

let first: JobManager;
let second: JobManager;
let port: number;
let flink: FlinkPort;
const connect = (addresses: readonly string[]): FlinkPort =>
  connectFlink({ port, timeoutMs: 300, runTimeoutMs: 300, connectTimeoutMs: 200 })(addresses);
beforeEach(async () => {
  [first, second] = [new JobManager(), new JobManager()];
  port = await first.listen(FIRST);
  await second.listen(SECOND, port);
  flink = connect([FIRST, SECOND]);
});
afterEach(async () => void (await Promise.all([first.stop(), second.stop()])));

const run = (jarId: string): Promise<void> =>
  flink.runJar({
    jarId,
    flinkJobId: JOB,
    jobName: 'job',
    arguments: [],
    parallelism: 1,
    allowNonRestoredState: false,
    flinkConfiguration: {},
  });
const upload = (): Promise<string> => flink.uploadJar('job.jar', Readable.from([Buffer.from('jar')]), 3);
const starts = ({ asked }: JobManager): number => asked.filter((one) => one.endsWith('/run')).length;

describe('Of two JobManagers', () => {
  test('the one that answered last is asked again', async () => {
    await flink.overview();
    await first.stop();
    await flink.overview();
    await first.listen(FIRST, port);
    await flink.overview();
    expect([first.asked.length, second.asked.length]).toEqual([1, 2]);
  });

  test.each([
    ['refuses the connection', () => [FIRST, SECOND]],
    ['cannot be reached', () => [NOWHERE, SECOND]],
  ])('a start goes to the other, once, when the first %s', async (_, addresses) => {
    await first.stop();
    flink = connect(addresses());
    await run(await upload());
    expect(starts(second)).toBe(1);
  });

  test('a change that was sent and is not answered is not sent to the other by itself, and the next try asks the other', async () => {
    first.answers = false;
    await expect(flink.triggerSavepoint(JOB, 'b', 's3://state')).rejects.toThrow(/no answer within 300 ms/);
    expect(second.asked).toEqual([]);
    await flink.overview();
    expect(second.asked).toEqual(['GET /overview']);
  });

  test('the other is asked what the first, whose process stands still, does not answer, for the cluster and for its metrics', async () => {
    first.answers = false;
    expect(await flink.overview()).toMatchObject({ slotsTotal: 2 });
    const metrics = connectFlinkMetrics({ port, timeoutMs: 300 })([FIRST, SECOND]);
    await expect(metrics.cluster()).rejects.toThrow(/the answer is not Flink's/);
    expect(second.asked).toEqual(expect.arrayContaining(['GET /overview', expect.stringMatching(/^GET \/taskmanagers\/metrics/)]));
  });

  test('neither is there when both are silent', async () => {
    await Promise.all([first.stop(), second.stop()]);
    await expect(flink.overview()).rejects.toThrow(/127\.71\.9\.1.*ECONNREFUSED.*127\.71\.9\.2.*ECONNREFUSED/);
    await expect(connect([NOWHERE, SECOND]).overview()).rejects.toBeInstanceOf(FlinkUnavailable);
  });

  test('a jar is missing at the one that it was not uploaded to', async () => {
    const jarId = await upload();
    await first.stop();
    await expect(run(jarId)).rejects.toBeInstanceOf(JarMissing);
  });

  test('jars are found at both and deleted at both', async () => {
    const ids = [await upload()];
    await first.stop();
    ids.push(await upload());
    await first.listen(FIRST, port);
    expect(new Set(await flink.jarsNamed('job.jar'))).toEqual(new Set(ids));
    for (const id of ids) await flink.deleteJar(id);
    expect([...first.jars, ...second.jars]).toEqual([]);
  });

  test('jars of one that is not there are left out', async () => {
    await upload();
    await first.stop();
    expect(await flink.jarsNamed('job.jar')).toEqual([]);
    await second.stop();
    await expect(flink.jarsNamed('job.jar')).rejects.toBeInstanceOf(FlinkUnavailable);
  });
});
