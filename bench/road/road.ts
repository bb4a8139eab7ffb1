import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { signedFetch } from '../../local/client/signed-fetch';
import { SluiceClient } from '../../local/client/sluice-client';
import { assemblyFolder } from '../../local/twin/deploy';
import { onEnd } from '../../local/twin/lifetime';
import { readSettings } from '../../local/twin/settings';
import { Twin } from '../../local/twin/twin';
import type { TwinFile } from '../../local/twin/twin-file';
import { counterJar } from '../../test/contract/support/counter-jar';
import { type Aim, below, quantile, rounded } from '../statistics';
import { measureFunctions } from './functions';
import { measureOperation, type OperationFigures } from './operations';
import { report } from './report';
import { priceOfEmptyStage } from './stage-price';
import { measureStart } from './start';
import { measureSubmissions } from './submissions';

export interface RoadOptions {
  readonly json: boolean;
  readonly write: boolean;
  readonly quick: boolean;
  readonly runs: number;
}

const CLUSTER = 'bench';

const environmentFrom =
  (twin: TwinFile) =>
  async (name: string): Promise<Record<string, string>> => {
    const url = new URL(`${twin.awsEndpoint}/2015-03-31/functions/sluice-${twin.stage}-${name}/configuration`);
    const response = await signedFetch({ region: twin.region, credentials: twin.credentials, service: 'lambda' }, { method: 'GET', url });
    return ((await response.json()) as { Environment?: { Variables?: Record<string, string> } }).Environment?.Variables ?? {};
  };

/** Milliseconds of one call through the emulated API Gateway, warm: handler, table, and the emulator's own part. */
const measureHandlers = async (
  client: SluiceClient,
  job: string,
  operationId: string,
): Promise<{ route: string; p50Ms: number; p95Ms: number }[]> => {
  const base = `/clusters/${CLUSTER}`;
  const routes = [
    '/clusters',
    base,
    `${base}/jobs`,
    `${base}/jobs/${job}`,
    `${base}/operations/${operationId}`,
    `${base}/configuration`,
    '/openapi.json',
  ];
  const figures = [];
  for (const route of routes) {
    for (let call = 0; call < 5; call += 1) await client.call('GET', route);
    const times: number[] = [];
    for (let call = 0; call < 40; call += 1) {
      const begun = performance.now();
      const { status } = await client.call('GET', route);
      if (status !== 200) throw new Error(`GET ${route} answered ${status}`);
      times.push(performance.now() - begun);
    }
    const name = route.replace(operationId, '{operation}').replace(`/jobs/${job}`, '/jobs/{job}').replace(`/${CLUSTER}`, '/{cluster}');
    figures.push({ route: `GET ${name}`, p50Ms: rounded(quantile(times, 0.5), 1), p95Ms: rounded(quantile(times, 0.95), 1) });
  }
  return figures;
};

const invoke = async (twin: TwinFile, name: string): Promise<number> => {
  const url = new URL(`${twin.awsEndpoint}/2015-03-31/functions/sluice-${twin.stage}-${name}/invocations`);
  const begun = performance.now();
  await (
    await signedFetch({ region: twin.region, credentials: twin.credentials, service: 'lambda' }, { method: 'POST', url, body: '{}' })
  ).text();
  return performance.now() - begun;
};

/** Everything that needs a running twin, on one cluster. */
const onTheTwin = async (twin: TwinFile, runs: number, say: (text: string) => void) => {
  const client = new SluiceClient(twin);
  const operations: OperationFigures[] = [];
  const follow = async (accepted: Parameters<typeof client.succeeded>[0]) => {
    const operation = await client.succeeded(accepted);
    operations.push(await measureOperation(twin, operation));
    return operation;
  };
  say('launching a cluster');
  await follow(await client.launchCluster({ name: CLUSTER, size: 'dev', overrides: { taskManagers: { min: 1, max: 2 } } }));
  const { jobManagerAddress } = (await client.cluster(CLUSTER)).resources;
  say('submitting through the API and by hand, in turns');
  const submissions = await measureSubmissions(
    { client, twin, cluster: CLUSTER, jobManagerAddress: jobManagerAddress ?? '', jarPath: counterJar() },
    runs,
  );
  say('each operation once more, for its price');
  const jar = { uri: `s3://${twin.artifactBucket}/bench/counter.jar`, sha256: sha256Of(counterJar()) };
  const submitted = await follow(await client.submitJob(CLUSTER, { name: 'priced', jar, parallelism: 1 }));
  const handlers = await measureHandlers(client, 'priced', submitted.operationId);
  await follow(await client.changeJob(CLUSTER, 'priced', 'savepoints'));
  await follow(await client.changeJob(CLUSTER, 'priced', 'upgrade', { jar: { ...jar, arguments: ['--rate', '50'] } }));
  await follow(await client.changeJob(CLUSTER, 'priced', 'rescale', { parallelism: 2 }));
  await follow(await client.changeJob(CLUSTER, 'priced', 'stop'));
  const sweeps = [];
  for (let run = 0; run < 10; run += 1) sweeps.push(await invoke(twin, 'sweep-operations'));
  await follow(await client.terminateCluster(CLUSTER, 'cancel'));
  return { submissions, operations, handlers, sweepMs: quantile(sweeps, 0.5) };
};

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

export const road = async ({ json, write, quick, runs }: RoadOptions): Promise<void> => {
  const settings = readSettings();
  const say = (text: string): void => void process.stderr.write(`… ${text}\n`);

  say('cdk synth');
  const begun = performance.now();
  execFileSync(
    join(settings.root, 'node_modules/.bin/cdk'),
    ['synth', '--quiet', '--no-notices', '-c', 'stage=local', '--output', join(settings.root, 'cdk.out')],
    {
      cwd: settings.root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PATH: `${join(settings.root, 'node_modules/.bin')}:${process.env.PATH}` },
    },
  );
  const synthSeconds = rounded((performance.now() - begun) / 1_000, 1);

  const twin = new Twin({
    settings,
    command: 'npm run bench',
    onStep: ({ name, state, seconds }) => state === 'done' && say(`${name} ${seconds?.toFixed(1)} s`),
  });
  onEnd(() => void twin.stop().then(() => process.exit(130)));
  const file = await twin.start();
  let measured: Awaited<ReturnType<typeof onTheTwin>>;
  let functions: Awaited<ReturnType<typeof measureFunctions>>;
  try {
    measured = await onTheTwin(file, runs, say);
    say('cold starts');
    functions = await measureFunctions(join(settings.root, 'dist/lambdas'), environmentFrom(file), runs);
  } finally {
    await twin.stop();
  }
  say('npm start');
  // After all else: everything that is kept between runs is there now.
  const start = quick ? undefined : await measureStart(settings.root);

  const stage = priceOfEmptyStage(assemblyFolder(settings), measured.sweepMs);
  const largest = functions.reduce((most, one) => (one.bundleKB > most.bundleKB ? one : most));
  const slowest = functions.reduce((most, one) => (one.coldInitMs > most.coldInitMs ? one : most));
  const aims: Aim[] = [
    ...measured.submissions.map((one) =>
      below(
        `overhead of a submission (${one.program})`,
        2,
        one.overheadSeconds,
        's',
        `median of ${runs}: ${one.apiSeconds} s through the API, ${one.byHandSeconds} s by hand`,
      ),
    ),
    below('largest bundle', 700, largest.bundleKB, 'KB', largest.name),
    below('slowest cold init', 250, slowest.coldInitMs, 'ms', `${slowest.name}; median of ${runs}, ${cpus().length} cores`),
    below('empty stage', 5, stage.dollarsPerMonth, '$/month'),
    below(
      'control of an idle cluster',
      5,
      0,
      '$/month',
      'nothing of the control plane runs for a cluster at rest; the instances are EC2 prices',
    ),
  ];
  const results = {
    machine: { cores: cpus().length, model: cpus()[0]?.model ?? '' },
    start,
    synthSeconds,
    ...measured,
    functions,
    stage,
    aims,
  };
  if (write) report(join(settings.root, 'docs/benchmarks.md'), results, runs);
  if (json) {
    for (const [name, value] of Object.entries(results))
      if (name !== 'aims' && value !== undefined) process.stdout.write(`${JSON.stringify({ [name]: value })}\n`);
    process.stdout.write(`${JSON.stringify({ bench: 'road', aims, runs })}\n`);
  } else
    for (const aim of aims)
      process.stdout.write(
        `${aim.met ? 'met    ' : 'NOT MET'}  ${aim.name}: ${aim.measured} (aim ${aim.aim})${aim.note ? `, ${aim.note}` : ''}\n`,
      );
};
