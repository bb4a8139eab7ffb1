import { connect } from 'node:net';
import { FlinkUnavailable } from '../../contracts/errors';
import { timeFor } from '../time-left';

/** Long enough for a SYN that is lost to be sent once more, which Linux does after a second. */
const CONNECT_MS = 1_500;
/** So long a connection that came about says that the next one will. */
const REACHED_FOR_MS = 1_000;

export interface JobManagersOptions {
  readonly port?: number | undefined;
  /** How long a connection may take to come about where there is another JobManager, ms; less where the function has less time left. @default 1500 */
  readonly connectTimeoutMs?: number | undefined;
}

/**
 * The REST APIs of a cluster's JobManagers. Whoever leads, each of them answers; a call goes to the one that answered last. Before it, a connection is tried: a
 * host that vanished refuses none, and a request on a connection from before would wait for its whole time.
 */
export class JobManagers {
  /** The one that answered last is the first. */
  private order: readonly string[];
  private readonly reached = new Map<string, number>();
  private readonly connectTimeoutMs: number;

  constructor(addresses: readonly string[], { port = 8081, connectTimeoutMs = CONNECT_MS }: JobManagersOptions) {
    this.order = addresses.map((address) => `http://${address}:${port}`);
    this.connectTimeoutMs = connectTimeoutMs;
  }

  /** A request that changes nothing: each JobManager is asked until one answers. */
  read<T>(request: (baseUrl: string) => Promise<T>): Promise<T> {
    return this.ask(request, () => true);
  }

  /** Any other request: the next JobManager is asked only where no connection came about, because what was never asked cannot happen twice. */
  change<T>(request: (baseUrl: string) => Promise<T>): Promise<T> {
    return this.ask(request, isUnconnected);
  }

  /** For a request that cannot be made again: where a connection has just come about. */
  reachable(): Promise<string> {
    this.reached.clear();
    return this.change(async (baseUrl) => baseUrl);
  }

  /** Asks each of them, for what each has of its own. One that does not answer has nothing to say, unless none does. */
  async everywhere<T>(request: (baseUrl: string) => Promise<T>): Promise<readonly T[]> {
    const settled = await Promise.allSettled(
      this.order.map(async (baseUrl) => {
        await this.reach(baseUrl);
        return request(baseUrl);
      }),
    );
    const refused = settled.find((one) => one.status === 'rejected' && !(one.reason instanceof FlinkUnavailable));
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = refused ?? (answers.length === 0 ? settled[0] : undefined);
    if (failed?.status === 'rejected') throw failed.reason;
    return answers;
  }

  private async ask<T>(request: (baseUrl: string) => Promise<T>, isSafe: (error: FlinkUnavailable) => boolean): Promise<T> {
    const failures: FlinkUnavailable[] = [];
    for (const baseUrl of this.order) {
      try {
        await this.reach(baseUrl);
        const answer = await request(baseUrl);
        this.order = [baseUrl, ...this.others(baseUrl)];
        return answer;
      } catch (error) {
        if (!(error instanceof FlinkUnavailable)) throw error;
        this.order = [...this.others(baseUrl), baseUrl];
        failures.push(error);
        if (!isSafe(error)) break;
      }
    }
    const [only] = failures;
    if (only && failures.length === 1) throw only;
    const answered = failures.some((failure) => failure.answered);
    throw new FlinkUnavailable(failures.map(({ message }) => message).join('; ') || 'the cluster has no JobManager', {
      cause: only,
      answered,
    });
  }

  private others(baseUrl: string): readonly string[] {
    return this.order.filter((one) => one !== baseUrl);
  }

  /** @throws FlinkUnavailable when no connection comes about. Where there is nobody else to ask, the request itself shows it. */
  private async reach(baseUrl: string): Promise<void> {
    const since = this.reached.get(baseUrl);
    if (this.order.length < 2 || (since !== undefined && performance.now() - since < REACHED_FOR_MS)) return;
    this.reached.delete(baseUrl);
    const ms = timeFor(this.connectTimeoutMs);
    if (ms === 0) throw new FlinkUnavailable(`${new URL(baseUrl).host}: not asked, the time of the function is over`);
    await opened(new URL(baseUrl), ms);
    this.reached.set(baseUrl, performance.now());
  }
}

class NoConnection extends Error {}

const opened = ({ hostname, port, host }: URL, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new FlinkUnavailable(`${host}: no connection (${why})`, { cause: new NoConnection(why) }));
    };
    const late = setTimeout(() => fail(`none within ${timeoutMs} ms`), timeoutMs);
    socket.once('close', () => clearTimeout(late));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });

/** Whether a request was not sent. `cause`: of the request, and below it of its socket. */
const isUnconnected = ({ cause }: FlinkUnavailable): boolean => {
  const { code, syscall } = ((cause as Error | undefined)?.cause ?? {}) as NodeJS.ErrnoException;
  return cause instanceof NoConnection || syscall === 'connect' || code === 'UND_ERR_CONNECT_TIMEOUT';
};

/** Makes each cluster's once, so that what is known of its JobManagers outlives a call. */
export const keepJobManagers = (options: JobManagersOptions): ((addresses: readonly string[]) => JobManagers) => {
  const known = new Map<string, JobManagers>();
  return (addresses) => {
    const key = addresses.join();
    const found = known.get(key) ?? new JobManagers(addresses, options);
    known.set(key, found);
    return found;
  };
};
