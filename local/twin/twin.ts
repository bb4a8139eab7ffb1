import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install } from '../install/install';
import { Component } from './component';
import { bootstrap, deploy, synthesise } from './deploy';
import { startKafka } from './kafka';
import { acquireLock, type Lock } from './lock';
import { assertFree } from './ports';
import { endMarked, endOrphans } from './processes';
import { awsEndpoint, awsEnvironment, type TwinSettings } from './settings';
import { removeTwinFile, type TwinFile, writeTwinFile } from './twin-file';

/** Output of a detached launcher, in the state folder; the one file there that a start keeps. */
export const SUPERVISOR_LOG = 'supervisor.log';

/** One thing the start is busy with. Several are under way at the same time. */
export interface Step {
  readonly name: string;
  readonly state: 'started' | 'done' | 'failed';
  /** How long it took; with `done` and `failed`. */
  readonly seconds?: number;
  /** A line about what it is doing or has found. */
  readonly detail?: string;
}

export interface TwinProps {
  readonly settings: TwinSettings;
  /** How a second start names this one. */
  readonly command: string;
  readonly onStep?: (step: Step) => void;
}

/** The local twin: emulator, Kafka, fleet agent, and the control plane deployed to them. Whoever starts it owns every process of it. */
export class Twin {
  /** Rejects when a part of the running twin ends by itself. */
  readonly broken: Promise<never>;
  private break!: (error: Error) => void;
  private lock: Lock | undefined;
  private readonly components: Component[] = [];
  private stopped: Promise<void> | undefined;
  private readonly settings: TwinSettings;

  constructor(private readonly props: TwinProps) {
    this.settings = props.settings;
    this.broken = new Promise((_, reject) => {
      this.break = reject;
    });
    this.broken.catch(() => {}); // whoever wants to know awaits it
  }

  /**
   * Starts everything and returns when the API can be called.
   * @throws TwinIsRunning, or what went wrong with the end of the log concerned; nothing is left running then
   */
  async start(): Promise<TwinFile> {
    this.lock = await acquireLock(this.settings, this.props.command);
    try {
      const file = await this.startAll();
      writeTwinFile(this.settings, file);
      this.lock.markReady();
      return file;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends everything, and returns when no process of this twin is left. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async startAll(): Promise<TwinFile> {
    const { settings } = this;
    await endOrphans();
    await assertFree([
      { port: settings.port, what: 'the AWS emulator', setting: 'SLUICE_TWIN_PORT' },
      { port: settings.kafkaPort, what: 'Kafka', setting: 'SLUICE_KAFKA_PORT' },
      { port: settings.kafkaControllerPort, what: "Kafka's controller", setting: 'SLUICE_KAFKA_CONTROLLER_PORT' },
    ]);
    mkdirSync(settings.stateDir, { recursive: true });
    for (const entry of readdirSync(settings.stateDir)) {
      if (entry !== SUPERVISOR_LOG) rmSync(join(settings.stateDir, entry), { recursive: true, force: true });
    }
    mkdirSync(settings.logDir, { recursive: true });

    await this.step('install', (detail) => install({ log: detail }));
    const synthesised = this.step('synth', () => synthesise(settings));
    const kafka = this.step('kafka', () => startKafka(settings, (component) => this.adopt(component)));
    const deployed = this.step('emulator', () => this.startEmulator())
      .then(() =>
        Promise.all([
          synthesised,
          this.step('bootstrap', () => bootstrap(settings)),
          this.step('fleet agent', () => this.startFleetAgent()),
        ]),
      )
      .then(([assembly]) => this.step('deploy', () => deploy(settings, assembly)));
    // The first failure ends the start; the others are ended by stop().
    const [outputs] = await Promise.all([deployed, kafka, synthesised]);
    this.recordComponents();
    return {
      ...outputs,
      awsEndpoint: awsEndpoint(settings),
      region: settings.region,
      stage: settings.stage,
      kafkaBootstrap: `127.0.0.1:${settings.kafkaPort}`,
      account: settings.account,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
  }

  private async startEmulator(): Promise<void> {
    const { settings } = this;
    const emulator = this.adopt(
      new Component(settings, {
        name: 'emulator',
        command: [join(settings.cacheDir, 'venv/bin/python'), '-m', 'emulator', '--port', String(settings.port)],
        directory: join(settings.root, 'local'),
        // Functions find the emulator by the environment that they inherit from it.
        environment: { ...awsEnvironment(settings), PYTHONUNBUFFERED: '1' },
      }),
    );
    await emulator.waitUntil(
      'answering',
      60,
      async () => (await fetch(`${awsEndpoint(settings)}/_twin/health`).catch(() => undefined))?.ok === true,
    );
  }

  private async startFleetAgent(): Promise<void> {
    const { settings } = this;
    const agent = this.adopt(
      new Component(settings, {
        name: 'fleet-agent',
        command: [
          join(settings.cacheDir, 'venv/bin/python'),
          '-m',
          'fleet',
          '--endpoint',
          awsEndpoint(settings),
          '--state',
          join(settings.stateDir, 'fleet'),
        ],
        directory: join(settings.root, 'local'),
        environment: { ...awsEnvironment(settings), PYTHONUNBUFFERED: '1' },
        graceSeconds: 10,
      }),
    );
    await agent.waitUntil('ready', 30, async () => agent.logTail(5).includes('ready'));
  }

  private adopt(component: Component): Component {
    this.components.push(component);
    void component.ended.then((code) => {
      if (component.hasFailed)
        this.break(new Error(`${component.name} ended with status ${code}. The end of ${component.logPath}:\n${component.logTail()}`));
    });
    return component;
  }

  private recordComponents(): void {
    const list = this.components.map(({ name, pid, logPath }) => ({ name, pid, logPath }));
    writeFileSync(join(this.settings.stateDir, 'components.json'), `${JSON.stringify(list, null, 2)}\n`);
  }

  private async step<T>(name: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    const started = performance.now();
    const tell = (step: Omit<Step, 'name'>): void => this.props.onStep?.({ name, ...step });
    const seconds = (): number => Math.round(performance.now() - started) / 1_000;
    tell({ state: 'started' });
    try {
      const result = await work((detail) => tell({ state: 'started', detail }));
      tell({ state: 'done', seconds: seconds() });
      return result;
    } catch (error) {
      // Work that was cut short because something else had failed is no failure of its own.
      if (!this.stopped) tell({ state: 'failed', seconds: seconds() });
      throw error;
    }
  }

  private async stopAll(): Promise<void> {
    if (!this.lock) return; // what runs, if anything, is another's
    removeTwinFile(this.settings);
    // The agent first: it ends the nodes in order while the emulator still answers them.
    for (const component of this.components.filter((one) => one.name === 'fleet-agent')) await component.stop();
    await Promise.all(this.components.map((component) => component.stop()));
    // What is left now carries our mark but no guard: a command still under way, or the child of a guard that was killed.
    await endMarked((one) => one.owner.pid === process.pid, 3);
    await this.lock.release();
  }
}
