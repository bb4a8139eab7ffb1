import { type Board, bytes, count, type StepUpdate, type View } from './view';

const style =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;
const bold = style(1);
const dim = style(2);
const green = style(32);
const red = style(31);
const cyan = style(36);
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

interface Row extends StepUpdate {
  readonly startedAt: number;
}

const bar = (share: number, width: number): string => {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8);
  const rest = eighths % 8;
  const full = '█'.repeat(Math.floor(eighths / 8)) + (rest > 0 ? (' ▏▎▍▌▋▊▉'[rest] ?? '') : '');
  return full.padEnd(width, ' ');
};

const ESCAPE = '\u001b';
/** A colour code; it takes no place on the screen. */
const COLOUR = new RegExp(`(${ESCAPE}\\[\\d+m)`, 'g');

/** Cuts a coloured line to the terminal's width; the colours stay whole. */
const cutTo = (line: string, width: number): string => {
  if (line.replace(COLOUR, '').length <= width) return line;
  let visible = 0;
  let cut = '';
  for (const part of line.split(COLOUR)) {
    if (part.startsWith(ESCAPE)) cut += part;
    else {
      cut += part.slice(0, Math.max(0, width - visible));
      visible += part.length;
    }
  }
  return `${cut}\u001b[0m`;
};

/** A screen that is drawn again in place ten times a second: steps with their times, then the running job. */
export class LiveView implements View {
  private readonly rows: Row[] = [];
  private readonly notes: string[] = [];
  private current: Board | undefined;
  private drawnLines = 0;
  private frame = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly rates: number[] = [];

  constructor(private readonly out: NodeJS.WriteStream) {
    this.out.write('\u001b[?25l');
    this.timer = setInterval(() => this.draw(), 100);
    this.timer.unref();
  }

  step(update: StepUpdate): void {
    const index = this.rows.findIndex((row) => row.name === update.name && row.parent === update.parent);
    const old = this.rows[index];
    const row: Row = { ...old, ...update, startedAt: old?.startedAt ?? Date.now() };
    if (index >= 0) this.rows[index] = row;
    else this.rows.push(row);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  board(board: Board): void {
    this.current = board;
    this.rates.push(board.recordsPerSecond);
    if (this.rates.length > 40) this.rates.shift();
  }

  end(): void {
    clearInterval(this.timer);
    this.draw();
    this.out.write('\u001b[?25h');
  }

  private draw(): void {
    this.frame += 1;
    const width = Math.max(40, (this.out.columns ?? 80) - 1);
    const lines = ['', ` ${bold(cyan('Sluice'))}  ${dim('Apache Flink, launched and run by a serverless control plane')}`, ''];
    lines.push(...this.stepLines());
    if (this.current) lines.push('', ...this.boardLines(this.current, width));
    if (this.notes.length > 0) lines.push('', ...this.notes.map((note) => ` ${note}`));
    lines.push('');
    // More than a screen cannot be drawn in place: the oldest steps go first.
    const shown = lines.slice(-Math.max(5, (this.out.rows ?? 40) - 1));
    const up = this.drawnLines > 0 ? `\u001b[${this.drawnLines}A` : '';
    this.out.write(`${up}\u001b[0J${shown.map((line) => `${cutTo(line, width)}\n`).join('')}`);
    this.drawnLines = shown.length;
  }

  private stepLines(): string[] {
    const parents = this.rows.filter((row) => row.parent === undefined);
    return parents.flatMap((parent) => {
      const parts = this.rows.filter((row) => row.parent === parent.name);
      // A step's parts are worth a line each only while it is under way.
      return [this.stepLine(parent, ' '), ...(parent.state === 'done' ? [] : parts.map((part) => this.stepLine(part, '     ')))];
    });
  }

  private stepLine(row: Row, indent: string): string {
    const seconds = row.seconds ?? (Date.now() - row.startedAt) / 1_000;
    const mark = row.state === 'done' ? green('✓') : row.state === 'failed' ? red('✗') : cyan(SPINNER[this.frame % SPINNER.length] ?? '');
    const name = row.name.padEnd(40 - indent.length);
    return `${indent}${mark} ${row.state === 'running' ? bold(name) : name} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${dim(row.detail ?? '')}`;
  }

  private boardLines(board: Board, width: number): string[] {
    const share = board.total > 0 ? board.replayed / board.total : 0;
    const peak = Math.max(1, ...this.rates);
    const spark = this.rates.map((rate) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((rate / peak) * 7.99))]).join('');
    const { checkpoints } = board;
    const last = checkpoints.lastMs === undefined ? '' : `, last ${checkpoints.lastMs} ms, ${bytes(checkpoints.lastBytes ?? 0)}`;
    const failed = checkpoints.failed > 0 ? red(`, ${checkpoints.failed} failed`) : '';
    const field = (name: string, value: string): string => ` ${dim(name.padEnd(13))}${value}`;
    const lines = [
      field(
        'flights',
        `${cyan(bar(share, 30))} ${count(board.replayed)} of ${count(board.total)}${board.day ? dim(`   event time ${board.day}`) : ''}`,
      ),
      field('throughput', `${bold(count(board.recordsPerSecond).padStart(7))} records/s   ${cyan(spark)}`),
      field('lag', `${count(board.lag).padStart(7)} records`),
      field('checkpoints', `${count(checkpoints.completed).padStart(7)} completed${failed}${dim(last)}`),
      field(
        'cluster',
        `${String(board.taskManagers).padStart(7)} TaskManagers, ${board.slots.total - board.slots.free} of ${board.slots.total} slots busy, job ${board.job}`,
      ),
      field('results', `${count(board.resultRows).padStart(7)} rows`),
    ];
    if (board.busiest.length === 0) return lines;
    const most = board.busiest[0]?.flights ?? 1;
    const barWidth = Math.max(10, Math.min(36, width - 46));
    lines.push('', ` ${bold('Busiest airports so far')}${dim('        flights   mean delay   over 15 min late')}`);
    for (const airport of board.busiest) {
      lines.push(
        ` ${airport.code.padEnd(4)} ${cyan(bar(airport.flights / most, barWidth))} ${count(airport.flights).padStart(7)} ${`${airport.meanDelayMinutes.toFixed(1)} min`.padStart(10)} ${`${(airport.delayedShare * 100).toFixed(0)} %`.padStart(7)}`,
      );
    }
    return lines;
  }
}
