import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { OperationView } from '../../lambdas/contracts/api';
import type { JobInput, SluiceClient } from '../../local/client/sluice-client';
import { median, rounded } from '../statistics';
import { ARGUMENTS, type Jar } from './jar';

/** Both ways are looked at equally often. */
const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 60_000;

export interface Submissions {
  readonly apiSeconds: readonly number[];
  readonly byHandSeconds: readonly number[];
  readonly apiMedianSeconds: number;
  readonly byHandMedianSeconds: number;
  readonly overheadSeconds: number;
  /** Medians of the times between the phases' starts in the API's submissions, s: where the time goes. */
  readonly phases: Readonly<Record<string, number>>;
}

const jobsOverview = z.object({
  jobs: z.array(z.object({ jid: z.string(), state: z.string(), tasks: z.object({ total: z.number(), running: z.number() }) })),
});

/** The same jar through the API and through Flink's REST by hand, in turns on one cluster; the first turn of each is not counted. */
export const compareSubmissions = async (
  { client, cluster, page, jar }: { client: SluiceClient; cluster: string; page: string; jar: Jar },
  repeat: number,
  progress: (line: string) => void,
): Promise<Submissions> => {
  const api: { seconds: number; operation: OperationView }[] = [];
  const byHand: number[] = [];
  for (let turn = 0; turn <= repeat; turn += 1) {
    const one = await throughApi(client, cluster, { name: `turn-${turn}`, ...program(jar) });
    const other = await throughFlink(page, jar);
    progress(`submission ${turn === 0 ? '(not counted)' : turn}: API ${one.seconds.toFixed(2)} s, by hand ${other.toFixed(2)} s`);
    if (turn === 0) continue;
    api.push(one);
    byHand.push(other);
  }
  const apiSeconds = api.map(({ seconds }) => rounded(seconds, 3));
  const [apiMedianSeconds, byHandMedianSeconds] = [rounded(median(apiSeconds), 3), rounded(median(byHand), 3)];
  return {
    apiSeconds,
    byHandSeconds: byHand.map((seconds) => rounded(seconds, 3)),
    apiMedianSeconds,
    byHandMedianSeconds,
    overheadSeconds: rounded(apiMedianSeconds - byHandMedianSeconds, 3),
    phases: phaseMedians(api.map(({ operation }) => operation)),
  };
};

export const program = (jar: Jar): Pick<JobInput, 'jar' | 'parallelism'> => ({
  jar: { uri: jar.uri, sha256: jar.sha256, arguments: ARGUMENTS },
  parallelism: 1,
});

/** From the request to the operation's success, which is when all tasks run. */
const throughApi = async (client: SluiceClient, cluster: string, job: JobInput): Promise<{ seconds: number; operation: OperationView }> => {
  const started = performance.now();
  const accepted = await client.submitJob(cluster, job);
  const operation = await until(async () => {
    const seen = await client.operation(cluster, accepted.operationId);
    return seen.endedAt === undefined ? undefined : seen;
  });
  const seconds = (performance.now() - started) / 1_000;
  const { status } = await client.job(cluster, job.name);
  if (operation.status !== 'SUCCEEDED' || status !== 'RUNNING') throw new Error(`${job.name} is ${status}: ${operation.reason}`);
  await client.succeeded(await client.changeJob(cluster, job.name, 'cancel'));
  return { seconds, operation };
};

/** From the upload to all tasks running. */
const throughFlink = async (page: string, jar: Jar): Promise<number> => {
  const ask = async (method: string, path: string, body?: FormData | string): Promise<unknown> => {
    const response = await fetch(`${page}${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(typeof body === 'string' ? { headers: { 'content-type': 'application/json' } } : {}),
    });
    if (!response.ok) throw new Error(`Flink: ${method} ${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
    return response.json();
  };
  const seen = async (id: string) => jobsOverview.parse(await ask('GET', '/jobs/overview')).jobs.find(({ jid }) => jid === id);

  const started = performance.now();
  const form = new FormData();
  form.append('jarfile', new Blob([new Uint8Array(jar.content)], { type: 'application/java-archive' }), 'by-hand.jar');
  const jarId = z
    .object({ filename: z.string() })
    .parse(await ask('POST', '/jars/upload', form))
    .filename.replace(/^.*\//, '');
  const body = JSON.stringify({ programArgsList: ARGUMENTS, parallelism: 1 });
  const id = z.object({ jobid: z.string() }).parse(await ask('POST', `/jars/${jarId}/run`, body)).jobid;
  await until(async () => {
    const job = await seen(id);
    return job?.state === 'RUNNING' && job.tasks.total > 0 && job.tasks.running === job.tasks.total ? job : undefined;
  });
  const seconds = (performance.now() - started) / 1_000;
  await ask('PATCH', `/jobs/${id}?mode=cancel`);
  await until(async () => ((await seen(id))?.state === 'CANCELED' ? true : undefined));
  await ask('DELETE', `/jars/${jarId}`);
  return seconds;
};

const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`nothing after ${PATIENCE_MS / 1_000} s`);
    await sleep(LOOK_EVERY_MS);
  }
};

const phaseMedians = (operations: readonly OperationView[]): Record<string, number> => {
  const times = new Map<string, number[]>();
  for (const { requestedAt, endedAt, phases } of operations) {
    const starts = [{ name: 'Accepted', startedAt: requestedAt }, ...phases];
    for (const [index, { name, startedAt }] of starts.entries()) {
      const next = starts[index + 1]?.startedAt ?? endedAt ?? startedAt;
      times.set(name, [...(times.get(name) ?? []), (Date.parse(next) - Date.parse(startedAt)) / 1_000]);
    }
  }
  return Object.fromEntries([...times].map(([name, seconds]) => [name, rounded(median(seconds), 3)]));
};
