import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import * as z from 'zod';
import { startTimeOf } from './processes';
import type { TwinSettings } from './settings';

/**
 * Nodes of every twin live on the same loopback addresses (127.64.0.0/16) with Flink's production ports, so a machine holds one
 * twin at a time. The lock is a socket in Linux's abstract namespace: the kernel gives it to one process and takes it back
 * when that process ends, however it ends. Who connects is told who holds it.
 */
// Padded to the length of the kernel's field: Node versions differ in whether they do it.
const ADDRESS = '\0sluice-twin-127.64.0.0/16'.padEnd(108, '\0');

const holder = z.object({
  pid: z.int(),
  startTime: z.string(),
  root: z.string(),
  stateDir: z.string(),
  command: z.string(),
  since: z.string(),
  ready: z.boolean(),
});
export type Holder = z.infer<typeof holder>;

export class TwinIsRunning extends Error {
  constructor(
    readonly holder: Holder,
    settings: TwinSettings,
  ) {
    const elsewhere = holder.root === settings.root ? '' : ` in ${holder.root}`;
    super(
      `a twin is already running on this machine: process ${holder.pid} (${holder.command}) since ${holder.since}${elsewhere}. ` +
        `Stop it with "npm run twin -- down"${elsewhere}, then start again.`,
    );
    this.name = 'TwinIsRunning';
  }
}

/** Who runs a twin on this machine, if anybody. */
export const whoHolds = async (address = ADDRESS): Promise<Holder | undefined> => {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return holder.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    socket.destroy();
  }
};

export interface Lock {
  /** From now on whoever asks is told that the twin can be used. */
  markReady(): void;
  release(): Promise<void>;
}

const listen = async (server: Server, address: string): Promise<boolean> => {
  server.listen(address);
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
};

/** Takes the machine's one place for a twin. @throws TwinIsRunning with a sentence for the user. */
export const acquireLock = async (settings: TwinSettings, command: string, address = ADDRESS): Promise<Lock> => {
  const since = new Date().toISOString();
  let ready = false;
  const server = createServer((socket) => {
    const self: Holder = {
      pid: process.pid,
      startTime: startTimeOf(process.pid) ?? '',
      root: settings.root,
      stateDir: settings.stateDir,
      command,
      since,
      ready,
    };
    socket.on('error', () => {});
    socket.end(JSON.stringify(self));
  });
  // Two rounds: the holder may end between our listen and our question.
  for (let round = 0; ; round += 1) {
    if (await listen(server, address)) break;
    const found = await whoHolds(address);
    if (found) throw new TwinIsRunning(found, settings);
    if (round > 0) throw new Error('the twin lock of this machine is held by a process that does not answer');
  }
  server.unref();
  return {
    markReady: () => {
      ready = true;
    },
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
