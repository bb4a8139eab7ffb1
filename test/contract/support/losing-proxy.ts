import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Passes requests on and, after loseNext(), closes the connection instead of giving the answer to the next change (anything but a GET):
 * the change is made, and the caller does not know.
 */
export async function losingProxy(target: string): Promise<{ readonly port: number; loseNext(): void; close(): void }> {
  let lose = false;
  const server = createServer((incoming, outgoing) => {
    const lost = lose && incoming.method !== 'GET' && !incoming.url?.startsWith('/jars/upload');
    if (lost) lose = false;
    const { host: _, ...headers } = incoming.headers;
    const onward = request(`${target}${incoming.url}`, { method: incoming.method ?? 'GET', headers, agent: false }, (answer) => {
      if (lost) {
        answer.resume().once('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.once('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, '127.71.3.10', listening));
  return {
    port: (server.address() as AddressInfo).port,
    loseNext: () => {
      lose = true;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
