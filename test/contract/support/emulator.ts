import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { control } from '../../../local/client/control';

const LOCAL = resolve(__dirname, '../../../local');
const PYTHON = resolve(LOCAL, '.cache/venv/bin/python');
const READY_WITHIN_MS = 40_000;

type Control = (...asked: Parameters<typeof control> extends [string, ...infer Rest] ? Rest : never) => Promise<unknown>;

export interface Emulator {
  readonly endpoint: string;
  /** Calls one of the control endpoints below `/_twin/` and returns its JSON. */
  readonly twin: Control;
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

/** The SDK finds the emulator as it finds AWS: by its environment. Clients made afterwards use it. */
const pointSdkAt = (endpoint: string): void => {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
};

/**
 * The emulator of `local/emulator` on a free port, empty, with the SDK's environment pointing at it. `SLUICE_TEST_EMULATOR` (an endpoint URL) uses
 * one that runs already. It ends with stop(), or with the test process.
 */
export async function startEmulator(): Promise<Emulator> {
  const given = process.env.SLUICE_TEST_EMULATOR;
  if (given) {
    pointSdkAt(given);
    return { endpoint: given, twin: (...asked) => control(given, ...asked), stop: async () => {} };
  }
  if (!existsSync(PYTHON)) throw new Error(`There is no ${PYTHON}: npx tsx local/install/cli.ts makes it`);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(PYTHON, ['-m', 'emulator', '--port', String(port)], {
    cwd: LOCAL,
    // One account for all of its parts, as the twin has it.
    env: { ...process.env, MOTO_ACCOUNT_ID: '000000000000', MINISTACK_ACCOUNT_ID: '000000000000' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr?.on('data', (text: Buffer) => {
    complaints = (complaints + text.toString('utf8')).slice(-4_000);
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill);
    await ended(child);
  };
  const twin: Control = (...asked) => control(endpoint, ...asked);
  for (const deadline = Date.now() + READY_WITHIN_MS; ; await sleep(100)) {
    if (await twin('GET', 'health').catch(() => undefined)) break;
    if (child.exitCode === null && Date.now() < deadline) continue;
    await stop();
    throw new Error(`The emulator did not start: ${complaints}`);
  }
  pointSdkAt(endpoint);
  return { endpoint, twin, stop };
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exit;
  clearTimeout(late);
};
