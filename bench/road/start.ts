import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rounded } from '../statistics';

export interface StartFigures {
  /** Seconds from calling `npm start` to the first committed result row. */
  readonly secondsToFirstRow: number;
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly rowsCompared: number;
}

/** Runs `npm start -- --until-done --json` as a person does. @throws when it does not end well */
export const measureStart = async (root: string): Promise<StartFigures> => {
  const begun = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--until-done', '--json'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let firstRow: number | undefined;
  let output = '';
  let progress = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    progress += String(chunk);
    if (firstRow === undefined && progress.includes('✓ First result row')) firstRow = performance.now() - begun;
  });
  const [code] = await once(child, 'exit');
  const seconds = rounded((performance.now() - begun) / 1_000, 1);
  if (code !== 0 || firstRow === undefined) throw new Error(`npm start ended with ${code}:\n${progress.slice(-3_000)}\n${output}`);
  const summary = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { phases: Record<string, number>; rowsCompared: number };
  return { secondsToFirstRow: rounded(firstRow / 1_000, 1), seconds, phases: summary.phases, rowsCompared: summary.rowsCompared };
};
