import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FlinkUnavailable } from '../../contracts/errors';
import { timeFor } from '../time-left';
import { uploaded } from './answers';
import { noAnswer, readAnswer } from './rest';

/**
 * Streams a jar as one multipart request with a known length, so that neither side holds the jar in memory. The content can be read
 * once only, so this is never repeated here: a half-sent jar fails, and Flink drops what it has of it.
 * `fetch` is not used because it sends a streamed body in chunks without a length.
 * @returns the jar's id
 */
export async function uploadJar(
  baseUrl: string,
  fileName: string,
  content: Readable,
  sizeBytes: number,
  timeoutMs: number,
): Promise<string> {
  const what = `POST /jars/upload of ${fileName}`;
  const ms = timeFor(timeoutMs);
  const boundary = `sluice-${randomUUID()}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="jarfile"; filename="${encodeURIComponent(fileName)}"\r\nContent-Type: application/java-archive\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const signal = AbortSignal.timeout(ms);
  const outgoing = request(`${baseUrl}/jars/upload`, {
    method: 'POST',
    signal,
    agent: false,
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + sizeBytes + tail.length,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  try {
    // A refusal may come before the last byte is sent: the answer counts then, not the broken pipe.
    const sent = pipeline(framed(head, content, sizeBytes, tail), outgoing, { signal });
    const response = await Promise.race([answered, sent.then(() => answered)]);
    const text = await readAll(response);
    const answer = readAnswer(what, response.statusCode ?? 0, text, uploaded);
    await sent;
    return answer.filename.split(/[/\\]/).at(-1) as string;
  } catch (error) {
    outgoing.destroy();
    content.destroy();
    if (error instanceof FlinkUnavailable || (error as Error).name === 'FlinkRefusal') throw error;
    throw new FlinkUnavailable(`${what}: ${error instanceof BrokenSource ? error.message : noAnswer(error, ms)}`, { cause: error });
  } finally {
    answered.catch(() => {});
  }
}

class BrokenSource extends Error {}

async function* framed(head: Buffer, content: Readable, sizeBytes: number, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  let sent = 0;
  for await (const chunk of content) {
    sent += (chunk as Buffer).length;
    if (sent > sizeBytes) break;
    yield chunk as Buffer;
  }
  if (sent !== sizeBytes) throw new BrokenSource(`the jar has ${sent > sizeBytes ? 'more than' : `only ${sent} of`} ${sizeBytes} bytes`);
  yield tail;
}

async function readAll(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
