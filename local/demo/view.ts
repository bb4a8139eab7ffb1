/** What the demo has to show, apart from how: a step with its parts, then figures of the running job. */
export interface StepUpdate {
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly seconds?: number;
  readonly detail?: string;
  /** The step that this one is a part of. */
  readonly parent?: string;
}

export interface Airport {
  readonly code: string;
  readonly flights: number;
  readonly meanDelayMinutes: number;
  readonly delayedShare: number;
}

export interface Board {
  /** Flights written to Kafka so far, and all there will be. */
  readonly replayed: number;
  readonly total: number;
  readonly recordsPerSecond: number;
  /** Written to Kafka but not yet read by the job. */
  readonly lag: number;
  readonly job: string;
  readonly checkpoints: { readonly completed: number; readonly failed: number; readonly lastMs?: number; readonly lastBytes?: number };
  readonly taskManagers: number;
  readonly slots: { readonly total: number; readonly free: number };
  readonly resultRows: number;
  /** Newest day of which a result row has come. */
  readonly day?: string;
  readonly busiest: readonly Airport[];
}

export interface View {
  step(update: StepUpdate): void;
  /** One line that stays. */
  note(text: string): void;
  board(board: Board): void;
  end(): void;
}

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

export const bytes = (value: number): string => (value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`);

/** Progress as lines, for a log or another program. The board comes every `boardSeconds`. */
export class PlainView implements View {
  private lastBoard = 0;
  /** What was said last of each step: steps are told again and again while an operation is followed. */
  private readonly said = new Map<string, string>();

  constructor(
    private readonly out: NodeJS.WritableStream,
    private readonly boardSeconds = 5,
  ) {}

  step(update: StepUpdate): void {
    const name = update.parent ? `  ${update.parent} › ${update.name}` : update.name;
    const saying = `${update.state} ${update.state === 'running' ? (update.detail ?? '') : ''}`;
    if (this.said.get(name) === saying || (update.state === 'running' && this.said.get(name)?.startsWith('done'))) return;
    this.said.set(name, saying);
    if (update.state === 'running') {
      if (update.detail) this.note(`… ${name}: ${update.detail}`);
      return;
    }
    const detail = update.detail ? `  ${update.detail}` : '';
    this.note(`${update.state === 'done' ? '✓' : '✗'} ${name.padEnd(44)} ${(update.seconds ?? 0).toFixed(1).padStart(6)} s${detail}`);
  }

  note(text: string): void {
    this.out.write(`${text}\n`);
  }

  board(board: Board): void {
    if (Date.now() - this.lastBoard < this.boardSeconds * 1_000) return;
    this.lastBoard = Date.now();
    const busiest = board.busiest.slice(0, 3).map((airport) => `${airport.code} ${count(airport.flights)}`);
    this.note(
      `  ${count(board.replayed)} of ${count(board.total)} flights, ${count(board.recordsPerSecond)}/s, lag ${count(board.lag)}, ` +
        `${board.checkpoints.completed} checkpoints, ${count(board.resultRows)} result rows${busiest.length > 0 ? `, busiest ${busiest.join(', ')}` : ''}`,
    );
  }

  end(): void {}
}
