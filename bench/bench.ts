import { parseArgs } from 'node:util';
import type { Report } from './report';

/** What a benchmark is given. */
export interface BenchRun {
  /** Options after its name, as they were written. */
  readonly args: readonly string[];
  /** Aborted by a signal to the process, or when the benchmark's time is over. */
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** One subcommand of `npm run bench`. */
export interface Bench {
  /** Lines for a person, the first as `name [OPTIONS]   what it does`. */
  readonly usage: string;
  /** Longer than it ever takes on two cores; a run that hangs ends by itself. */
  readonly limitSeconds: number;
  /** Never throws for what went wrong while measuring: that is the report's `error`. @returns tables for a person, and the report */
  readonly run: (run: BenchRun) => Promise<{ readonly tables: string; readonly report: Report }>;
}

/** A whole number from 1. @throws with the option's name */
export const wholeNumber = (name: string, text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, not ${text}`);
  return Number(text);
};

/** Runs the measuring part and turns what it throws into a sentence for the report. */
export const problemOf = async (work: () => Promise<void>): Promise<string | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    return (error as Error).message.slice(0, 2_000);
  }
};

/** Options by name; `json` is for the command itself and always allowed. @throws for one that is not known */
export const optionsOf = <T extends Readonly<Record<string, string>>>(args: readonly string[], defaults: T): { [K in keyof T]: string } => {
  const options = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: 'string' as const, default: value }]));
  const { values } = parseArgs({ args: [...args], options: { ...options, json: { type: 'boolean', default: false } } });
  const given: Readonly<Record<string, unknown>> = values;
  return Object.fromEntries(Object.keys(defaults).map((name) => [name, String(given[name])])) as { [K in keyof T]: string };
};
