import { onEnd } from '../local/twin/lifetime';
import type { Bench } from './bench';

/** By the name on the command line; loaded when asked for. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  autoscaler: async () => (await import('./autoscaler/bench')).autoscaler,
  fleet: async () => (await import('./fleet/bench')).fleet,
  loop: async () => (await import('./loop/bench')).loop,
  recovery: async () => (await import('./recovery/bench')).recovery,
  road: async () => (await import('./road/bench')).road,
};

const usage = async (): Promise<string> => {
  const lines = await Promise.all(Object.values(BENCHES).map(async (load) => (await load()).usage));
  return `npm run bench -- NAME [OPTIONS]\n\n${lines.join('\n\n')}\n\nEach:\n  --json           one line of JSON at the end of stdout`;
};

const main = async (): Promise<number> => {
  const [name = '', ...args] = process.argv.slice(2);
  const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (!load || args.includes('--help')) {
    console.error(load ? (await load()).usage : await usage());
    return load || name === '--help' ? 0 : 2;
  }
  const bench = await load();
  const ending = new AbortController();
  onEnd((why) => ending.abort(new Error(`ended by ${why}`)));
  setTimeout(() => ending.abort(new Error(`not done after ${bench.limitSeconds} s`)), bench.limitSeconds * 1_000).unref();
  const progress = (line: string) => process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
  const { tables, report } = await bench.run({ args, signal: ending.signal, progress });
  process.stdout.write(tables);
  if (report.error !== undefined) process.stderr.write(`✗ ${report.error}\n`);
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.error === undefined ? 0 : 1;
};

main().then(
  // What a benchmark left open (Kafka clients) must not keep the process; what was written goes out first.
  (code) => process.stdout.write('', () => process.exit(code)),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
