import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MARK, markOf } from './processes';
import type { TwinSettings } from './settings';

const GUARD = join(__dirname, 'guard.py');

export interface ComponentProps {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** @default - the top folder of the clone */
  readonly directory?: string;
  /** Time to end in order before everything below it is killed. @default 5 */
  readonly graceSeconds?: number;
}

/** Environment of every component: no setting of the user's shell that could lead it to a real AWS account. */
export const cleanEnvironment = (settings: TwinSettings): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('AWS_') && !name.startsWith('npm_') && !name.startsWith('JEST_') && name !== 'NODE_OPTIONS',
    ),
  ),
  // The Node of the project's own dependencies, which is the functions' runtime.
  PATH: `${join(settings.root, 'node_modules/.bin')}:${process.env.PATH}`,
  [MARK]: markOf(settings.stateDir),
});

/** Last lines of a log file, for a message. */
export const tail = (path: string, lines = 25): string => {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
};

/** A process of the twin, its log, and its guard: it and all its children end when this process does (guard.py). */
export class Component {
  readonly name: string;
  readonly logPath: string;
  readonly pid: number;
  /** Resolves with the exit status once it and everything below it is gone. */
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;
  private exitCode: number | undefined;
  private stopping = false;

  constructor(settings: TwinSettings, props: ComponentProps) {
    this.name = props.name;
    mkdirSync(settings.logDir, { recursive: true });
    this.logPath = join(settings.logDir, `${props.name}.log`);
    const log = openSync(this.logPath, 'a');
    this.child = spawn('python3', ['-IS', GUARD, String(props.graceSeconds ?? 5), ...props.command], {
      cwd: props.directory ?? settings.root,
      env: { ...cleanEnvironment(settings), ...props.environment },
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    this.child.stdin?.on('error', () => {});
    this.pid = this.child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const done = (code: number): void => {
        this.exitCode ??= code;
        resolve(this.exitCode);
      };
      this.child.once('error', () => done(127));
      this.child.once('exit', (code) => done(code ?? 137));
    });
  }

  /** Whether it ended without being asked to. */
  get hasFailed(): boolean {
    return this.exitCode !== undefined && !this.stopping;
  }

  get isRunning(): boolean {
    return this.exitCode === undefined;
  }

  logTail(lines?: number): string {
    return tail(this.logPath, lines);
  }

  /**
   * Waits until `check` is true. @throws when the component ends before, or `seconds` pass; the message carries the end of its log.
   */
  async waitUntil(what: string, seconds: number, check: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + seconds * 1_000;
    while (!(await check())) {
      const why =
        this.exitCode !== undefined
          ? `it ended with status ${this.exitCode}`
          : Date.now() > deadline
            ? `not within ${seconds} s`
            : undefined;
      if (why) throw new Error(`${this.name}: ${what}: ${why}. The end of ${this.logPath}:\n${this.logTail()}`);
      await sleep(50);
    }
  }

  /** Ends it with all below it, and returns when nothing is left. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.child.stdin?.end();
    await this.ended;
  }
}

/** Runs a command to its end under a guard. @throws with the end of its log when it fails or takes too long. */
export const runToEnd = async (settings: TwinSettings, props: ComponentProps & { readonly seconds: number }): Promise<void> => {
  const component = new Component(settings, props);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void component.stop();
  }, props.seconds * 1_000);
  const code = await component.ended;
  clearTimeout(timer);
  // What is told to end may end well: the CDK's command line does, with half of its work done.
  if (code === 0 && !late) return;
  const why = late ? `was not done within ${props.seconds} s` : `ended with status ${code}`;
  throw new Error(
    `${props.name} (${props.command.slice(0, 6).join(' ')} …) ${why}. The end of ${component.logPath}:\n${component.logTail(40)}`,
  );
};
