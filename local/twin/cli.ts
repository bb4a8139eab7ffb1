import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { tail } from './component';
import { onEnd } from './lifetime';
import { type Holder, TwinIsRunning, whoHolds } from './lock';
import { endMarked, endOrphans, isAlive, markedProcesses, startTimeOf } from './processes';
import { readSettings, type TwinSettings } from './settings';
import { type Step, SUPERVISOR_LOG, Twin } from './twin';
import { readTwinFile, removeTwinFile } from './twin-file';

const USAGE = `npm run twin -- COMMAND

  up [--detach]        start the twin with the control plane deployed; --detach returns when it is ready and leaves it running
  status [--json]      what runs, and the addresses
  down                 end it; returns when nothing is left
  logs [NAME] [-f]     the logs, or one of them; -f follows`;

const line = (step: Step): string | undefined => {
  if (step.state === 'started') return step.detail && `  ${step.name}: ${step.detail}`;
  return `${step.state === 'done' ? '✓' : '✗'} ${step.name.padEnd(12)} ${step.seconds?.toFixed(1)} s`;
};

const print = (text: string | undefined): void => {
  if (text !== undefined) process.stdout.write(`${text}\n`);
};

const describe = (settings: TwinSettings): string => {
  const file = readTwinFile(settings);
  return [
    `API      ${file.apiUrl}`,
    `AWS      AWS_ENDPOINT_URL=${file.awsEndpoint} (any credentials, region ${file.region})`,
    `Kafka    ${file.kafkaBootstrap}`,
  ].join('\n');
};

/** Runs the twin in this process until it is asked to end. */
const upHere = async (settings: TwinSettings, detached: boolean): Promise<number> => {
  const twin = new Twin({
    settings,
    command: detached ? 'npm run twin -- up --detach' : 'npm run twin -- up',
    onStep: (step) => print(line(step)),
  });
  let code = 0;
  const asked = new Promise<string>((resolve) => onEnd(resolve, { watchParents: !detached }));
  const started = twin.start();
  try {
    const first = await Promise.race([started, asked]);
    if (typeof first !== 'string') {
      print(`The twin is ready.\n${describe(settings)}`);
      await Promise.race([asked, twin.broken]);
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    code = 1;
  }
  started.catch(() => {});
  await twin.stop();
  return code;
};

/** Starts the twin in a session of its own and waits until it is ready. Ctrl-C while waiting ends it again. */
const upDetached = async (settings: TwinSettings): Promise<number> => {
  const holder = await whoHolds();
  if (holder) throw new TwinIsRunning(holder, settings);
  mkdirSync(settings.stateDir, { recursive: true });
  const logPath = join(settings.stateDir, SUPERVISOR_LOG);
  const log = openSync(logPath, 'w');
  const child = spawn(process.execPath, [...process.execArgv, __filename, 'up', '--supervise'], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: settings.root,
  });
  closeSync(log);
  let code: number | undefined;
  child.once('exit', (status) => {
    code = status ?? 1;
  });
  onEnd(() => child.kill('SIGTERM'));
  let shown = 0;
  for (;;) {
    const ready = (await whoHolds())?.ready === true;
    if (ready) await sleep(100); // its last lines
    const text = readFileSync(logPath, 'utf8');
    process.stdout.write(text.slice(shown));
    shown = text.length;
    if (code !== undefined) return code === 0 ? 1 : code;
    if (ready) break;
    await sleep(100);
  }
  child.unref();
  return 0;
};

const down = async (settings: TwinSettings): Promise<number> => {
  const holder = await whoHolds();
  if (holder && holder.stateDir !== settings.stateDir) {
    print(`The twin on this machine belongs to ${holder.root} (process ${holder.pid}); stop it there.`);
    return 1;
  }
  if (holder) await endHolder(holder);
  const ours = (one: { owner: { stateDir: string } }): boolean => one.owner.stateDir === settings.stateDir;
  const left = [...(holder ? await endMarked((one) => ours(one) && !isAlive(one.owner), 3) : []), ...(await endOrphans())];
  removeTwinFile(settings);
  const survivors = markedProcesses().filter(ours);
  if (survivors.length > 0) {
    print(`Still running: ${survivors.map((one) => `${one.pid} (${one.command.slice(0, 80)})`).join(', ')}`);
    return 1;
  }
  print(holder || left.length > 0 ? 'The twin is down; no process of it is left.' : 'No twin was running.');
  return 0;
};

const endHolder = async (holder: Holder): Promise<void> => {
  process.kill(holder.pid, 'SIGTERM');
  const deadline = Date.now() + 45_000;
  while (startTimeOf(holder.pid) === holder.startTime) {
    if (Date.now() > deadline) {
      process.kill(holder.pid, 'SIGKILL'); // its guards see that and end the rest
      break;
    }
    await sleep(100);
  }
};

const componentList = z.array(z.object({ name: z.string(), pid: z.int(), logPath: z.string() }));

const status = async (settings: TwinSettings, json: boolean): Promise<number> => {
  const holder = await whoHolds();
  const here = holder?.stateDir === settings.stateDir;
  const componentsFile = join(settings.stateDir, 'components.json');
  const components =
    here && holder.ready && existsSync(componentsFile) ? componentList.parse(JSON.parse(readFileSync(componentsFile, 'utf8'))) : [];
  const seen = components.map((one) => ({ ...one, running: startTimeOf(one.pid) !== undefined }));
  const state = !holder ? 'down' : !here ? 'elsewhere' : holder.ready ? 'ready' : 'starting';
  if (json) {
    print(
      JSON.stringify({
        state,
        ...(holder ? { holder } : {}),
        components: seen,
        ...(state === 'ready' ? { twin: readTwinFile(settings) } : {}),
      }),
    );
  } else {
    const sentences = {
      down: 'No twin is running.',
      elsewhere: `The twin of ${holder?.root} is running (process ${holder?.pid}).`,
      starting: `The twin is starting (process ${holder?.pid}).`,
      ready: `The twin is ready (process ${holder?.pid}, since ${holder?.since}).`,
    };
    print(sentences[state]);
    for (const one of seen) print(`  ${one.name.padEnd(12)} process ${one.pid} ${one.running ? 'runs' : 'IS GONE'}`);
    if (state === 'ready') print(describe(settings));
  }
  return state === 'ready' ? 0 : 1;
};

const logs = async (settings: TwinSettings, name: string | undefined, follow: boolean): Promise<number> => {
  const known = existsSync(settings.logDir) ? readdirSync(settings.logDir).map((file) => file.replace(/\.log$/, '')) : [];
  if (name !== undefined && !known.includes(name)) throw new Error(`no log ${name}; there are: ${known.join(', ') || 'none'}`);
  const chosen = name === undefined ? known : [name];
  const paths = chosen.map((one) => join(settings.logDir, `${one}.log`));
  if (follow) {
    const child = spawn('tail', ['-n', '20', '-F', ...paths], { stdio: 'inherit' });
    onEnd(() => child.kill());
    await new Promise((resolve) => child.once('exit', resolve));
    return 0;
  }
  for (const [index, path] of paths.entries())
    print(`${paths.length > 1 ? `==> ${chosen[index]} <==\n` : ''}${tail(path, name === undefined ? 20 : Number.POSITIVE_INFINITY)}`);
  return 0;
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      detach: { type: 'boolean' },
      supervise: { type: 'boolean' },
      json: { type: 'boolean' },
      follow: { type: 'boolean', short: 'f' },
      help: { type: 'boolean' },
    },
  });
  const settings = readSettings();
  if (values.help) {
    print(USAGE);
    return 0;
  }
  switch (positionals[0]) {
    case 'up':
      return values.detach ? upDetached(settings) : upHere(settings, values.supervise === true);
    case 'down':
      return down(settings);
    case 'status':
      return status(settings, values.json === true);
    case 'logs':
      return logs(settings, positionals[1], values.follow === true);
    default:
      process.stderr.write(`${USAGE}\n`);
      return 2;
  }
};

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
