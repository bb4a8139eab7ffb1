import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** Whether something answers on this port of 127.0.0.1. */
export const answers = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host });
    const done = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });

/** Processes that listen on a TCP port, as far as this user may see them, from /proc/net/tcp. */
const listeners = (port: number): { pid: number; command: string }[] => {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[1]?.endsWith(`:${hexadecimal}`) && fields[3] === '0A')
        .map((fields) => `socket:[${fields[9]}]`),
    ),
  );
  const holds = (pid: string): boolean => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
        } catch {
          return false;
        }
      });
    } catch {
      return false; // ended meanwhile, or another user's
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && holds(entry))
    .map((pid) => ({ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim() }));
};

/** @throws with a sentence that names the port, who has it, and the setting that chooses another. */
export const assertFree = async (
  ports: readonly { readonly port: number; readonly what: string; readonly setting: string }[],
): Promise<void> => {
  for (const { port, what, setting } of ports) {
    if (await isFree(port)) continue;
    const who = listeners(port)
      .map((one) => `process ${one.pid} (${one.command.slice(0, 120)})`)
      .join(', ');
    throw new Error(
      `port ${port} for ${what} is taken by ${who || 'a process of another user'}. End it, or choose another port with ${setting}=….`,
    );
  }
};
