import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ALL_FLIGHTS } from '../../examples/flight-delays/flights';
import { takeTheRoad } from '../../local/demo/road';
import type { StepUpdate, View } from '../../local/demo/view';
import type { TwinFile } from '../../local/twin/twin-file';
import { ROOT } from '../../tools/bundle';

/** As `npm start` sends them. */
const FLIGHTS_A_SECOND = 20_000;

export interface Part {
  readonly name: string;
  readonly seconds: number;
}

export interface FirstRow {
  /** From the start of this process to the first committed row of the result, s. */
  readonly seconds: number;
  /** One after the other. */
  readonly phases: readonly (Part & { /** Some of them at the same time. */ readonly parts: readonly Part[] })[];
}

/** Keeps what the demo shows of its steps, and says when a step is done. */
class Recorder implements View {
  private readonly steps = new Map<string, StepUpdate>();
  private readonly waiting = new Map<string, () => void>();

  constructor(private readonly progress: (line: string) => void) {}

  step(update: StepUpdate): void {
    this.steps.set(`${update.parent ?? ''}/${update.name}`, update);
    if (update.parent !== undefined || update.state !== 'done') return;
    this.progress(`${update.name}: ${update.seconds?.toFixed(1)} s`);
    this.waiting.get(update.name)?.();
  }

  note(): void {}
  board(): void {}
  end(): void {}

  done(name: string): Promise<void> {
    return new Promise((resolve) => this.waiting.set(name, resolve));
  }

  phases(): FirstRow['phases'] {
    const all = [...this.steps.values()];
    const part = ({ name, seconds = 0 }: StepUpdate): Part => ({ name, seconds });
    return all
      .filter(({ parent }) => parent === undefined)
      .map((step) => ({ ...part(step), parts: all.filter(({ parent }) => parent === step.name).map(part) }));
  }
}

/** What `npm start` does before anything else; it does not reach this process, so it is done here once more. @returns s */
const installCheck = (): number => {
  const started = performance.now();
  spawnSync(process.execPath, [join(ROOT, 'tools/ensure.mjs')], { stdio: 'ignore' });
  return (performance.now() - started) / 1_000;
};

/**
 * The demo's road to its first result row. The job goes on running without input. Must be the first thing that this process does.
 * @param twinSteps filled while `start` runs
 */
export const roadToFirstRow = async (
  start: () => Promise<TwinFile>,
  twinSteps: readonly Part[],
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<FirstRow> => {
  const check = installCheck();
  const view = new Recorder(progress);
  const enough = new AbortController();
  const firstRow = view.done('First result row');
  const road = takeTheRoad({
    start,
    view,
    flights: ALL_FLIGHTS,
    rate: FLIGHTS_A_SECOND,
    untilDone: false,
    signal: AbortSignal.any([signal, enough.signal]),
  });
  try {
    await Promise.race([firstRow, road.then(() => firstRow)]);
  } finally {
    enough.abort(new Error('enough was seen'));
    await road.catch(() => {});
  }
  const phases = view.phases();
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0);
  const [twin, ...others] = phases;
  const shown = twin === undefined ? [] : [{ ...twin, seconds: twin.seconds - check, parts: twinSteps }, ...others];
  return { seconds, phases: [{ name: 'Install check', seconds: check, parts: [] }, ...shown] };
};
