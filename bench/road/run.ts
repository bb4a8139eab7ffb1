import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceClient } from '../../local/client/sluice-client';
import { CLUSTER } from '../../local/demo/road';
import type { TwinSettings } from '../../local/twin/settings';
import { Twin } from '../../local/twin/twin';
import type { TwinFile } from '../../local/twin/twin-file';
import { rounded } from '../statistics';
import { AwsCalls } from './aws-calls';
import { bundleAnew, bundleFigures } from './bundles';
import type { Findings } from './findings';
import { type Part, roadToFirstRow } from './first-row';
import { invocationsSince } from './invocations';
import { uploadedJar } from './jar';
import { routeLatencies } from './latency';
import { sweepsIn } from './months';
import { meterEachKind, OperationMeter } from './operations';
import { resourcesIn, standingCharges } from './standing-charges';
import { compareSubmissions } from './submissions';
import { synthSeconds } from './synth';

export interface RoadBenchProps {
  readonly settings: TwinSettings;
  /** Submissions of each way that are counted. */
  readonly repeat: number;
  /** Calls of each class of routes. */
  readonly calls: number;
  /** Starts of each function. */
  readonly inits: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Receives what is measured as it is measured, so that an early end loses nothing. */
  readonly findings: Findings;
}

/** The function that ends the last operation still writes its log when the operation has ended. */
const SETTLE_MS = 2_000;
/** Long enough for the sweeper to come by. */
const IDLE_SECONDS = 65;

/** Measures the road. Everything that it starts has ended when it returns, however it returns. */
export const benchRoad = async (props: RoadBenchProps): Promise<void> => {
  const { settings, signal, progress, findings } = props;
  findings.machine = {
    cpus: cpus().length,
    memoryGB: Math.round(totalmem() / 1e9),
    loadAtStart: rounded(loadavg()[0] ?? 0, 2),
    at: new Date().toISOString(),
  };
  const work = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const twinSteps: Part[] = [];
  const twin = new Twin({
    settings,
    command: 'npm run bench -- road',
    onStep: ({ name, state, seconds = 0 }) => {
      if (state !== 'done') return;
      twinSteps.push({ name, seconds });
      progress(`${name}: ${seconds.toFixed(1)} s`);
    },
  });
  const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
  ended.catch(() => {});
  try {
    const measured = onTwin(props, twin, twinSteps, work);
    measured.catch(() => {}); // the race has it, unless the end was asked for
    const environment = await Promise.race([measured, twin.broken, ended]);
    await twin.stop();
    progress('the twin has ended; starting every function in fresh processes');
    const { seconds, folderOf } = await bundleAnew(join(work, 'bundles'));
    findings.synth = { ...findings.synth, bundlingSeconds: rounded(seconds, 2) };
    findings.bundles = await bundleFigures(folderOf, environment, props.inits, signal);
  } finally {
    await twin.stop();
    rmSync(work, { recursive: true, force: true });
    findings.machine = { ...findings.machine, loadAtEnd: rounded(loadavg()[0] ?? 0, 2) };
  }
};

/** All that needs the twin. @returns environment of the deployed functions */
const onTwin = async (
  props: RoadBenchProps,
  twin: Twin,
  twinSteps: readonly Part[],
  work: string,
): Promise<Readonly<Record<string, string>>> => {
  const { settings, repeat, calls, signal, progress, findings } = props;
  let file: TwinFile | undefined;
  findings.firstRow = await roadToFirstRow(async () => (file = await twin.start()), twinSteps, signal, progress);
  if (!file) throw new Error('the twin was not started');
  const client = new SluiceClient(file);
  const aws = new AwsCalls(file);
  const cluster = CLUSTER.name;
  progress("the demo's job is stopped: from here on the cluster is idle but for what is measured");
  await client.succeeded(await client.changeJob(cluster, 'flight-delays', 'cancel'));
  const page = `http://${(await client.cluster(cluster)).resources.jobManagerAddress}:8081`;
  const jar = await uploadedJar(file);
  findings.submissions = await compareSubmissions({ client, cluster, page, jar }, repeat, progress);
  findings.latencies = await routeLatencies({ client, aws, cluster, jar }, calls, progress);

  progress(`nobody asks anything for ${IDLE_SECONDS} s; meanwhile cdk synth`);
  await sleep(SETTLE_MS, undefined, { signal });
  const idleSince = Date.now();
  const assembly = join(work, 'cdk.out');
  findings.synth = { ...findings.synth, warmSeconds: rounded(await synthSeconds(settings, assembly), 2) };
  findings.standing = standingCharges(resourcesIn(assembly));
  await sleep(Math.max(0, idleSince + IDLE_SECONDS * 1_000 - Date.now()), undefined, { signal });
  findings.idle = { seconds: (Date.now() - idleSince) / 1_000, runs: await invocationsSince(aws, idleSince) };

  const meter = new OperationMeter(client, aws, progress);
  findings.operations = meter.costs;
  await meterEachKind(meter, client, cluster, jar);
  findings.sweeps = sweepsIn(await invocationsSince(aws, 0));
  return aws.environmentOf('start-job');
};
