import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStorage } from '../../local/flink/storage';
import { install, paths } from '../../local/install/install';
import { type Bench, optionsOf, problemOf, wholeNumber } from '../bench';
import { MachineWatch } from '../machine';
import { aimsTable } from '../report';
import { recoveryJar } from './job-jar';
import { aimsOf, type Series, tablesOf } from './judge';
import { BUCKET, type Case, type Fault, type Measured, Scene } from './scene';
import { isOwn, type Variant } from './variants';
import { type Capacity, measureZones, type ZoneSeries, zoneAims, zoneTable } from './zones';

/** What `--fault` stands for, besides `zone`, which is another kind of run: on the twin. */
const FAULTS: Readonly<Record<string, readonly Fault[]>> = { taskmanager: ['taskmanager', 'vanished'], jobmanager: ['jobmanager'] };
const CAPACITIES: readonly Capacity[] = ['cold', 'warm'];
const VARIANTS: readonly Variant[] = ['sluice', 'standby', 'plain', 'operator'];

const one = <T extends string>(name: string, text: string, known: readonly T[]): readonly T[] => {
  const asked = text.split(',');
  const unknown = asked.find((word) => !known.some((value) => value === word));
  if (unknown !== undefined) throw new Error(`--${name}: ${unknown} is none of ${known.join(', ')}`);
  return known.filter((value) => asked.includes(value));
};

/**
 * Flink without recovery of its JobManager has nothing to measure there: the job does not come back. A stand-by makes no difference when a
 * TaskManager is lost.
 */
const casesOf = (faults: readonly string[], sizes: readonly number[], variants: readonly Variant[]): readonly Case[] =>
  faults
    .flatMap((fault) => FAULTS[fault] ?? [])
    .flatMap((fault) =>
      variants.flatMap((variant): readonly Case[] => {
        if (variant === 'standby' && fault !== 'jobmanager') return [];
        if (!isOwn(variant)) return fault === 'jobmanager' ? [] : [{ fault, variant, stateMB: Math.min(...sizes), localRecovery: true }];
        const locals = fault === 'taskmanager' ? [true, false] : [true];
        return sizes.flatMap((stateMB) => locals.map((localRecovery) => ({ fault, variant, stateMB, localRecovery })));
      }),
    );

export const recovery: Bench = {
  usage: `recovery [OPTIONS]   how long until records flow again after a process is killed, and whether each counted once
  --fault LIST       of taskmanager (killed, and vanished without closing a connection), jobmanager, zone (all)
  --repeat N         faults in each case (20)
  --peers N          faults in each case of Flink with its own defaults and with the operator's (3; their heartbeats take 50 s)
  --state LIST       sizes of the job's state, MB (10)
  --capacity LIST    of a lost zone's cluster: cold, warm: hosts stand by in the next zone (both)
  --variants LIST    of sluice, standby (a JobManager's only), plain, operator (all)`,
  limitSeconds: 10_800,
  run: async ({ args, signal, progress }) => {
    const options = optionsOf(args, {
      fault: 'taskmanager,jobmanager,zone',
      repeat: '20',
      peers: '3',
      state: '10',
      capacity: CAPACITIES.join(','),
      variants: VARIANTS.join(','),
    });
    const repeat = { own: wholeNumber('repeat', options.repeat), peers: wholeNumber('peers', options.peers) };
    const sizes = options.state.split(',').map((text) => wholeNumber('state', text));
    const faults = one('fault', options.fault, [...Object.keys(FAULTS), 'zone']);
    const cases = casesOf(faults, sizes, one('variants', options.variants, VARIANTS));
    const series: Series[] = [];
    const capacities = one('capacity', options.capacity, CAPACITIES);
    const zones: ZoneSeries[] = [];
    const error = await problemOf(async () => {
      await install();
      for (const which of cases) {
        series.push(await measure(which, isOwn(which.variant) ? repeat.own : repeat.peers, signal, progress));
        signal.throwIfAborted();
      }
      for (const capacity of faults.includes('zone') ? capacities : [])
        zones.push(await measureZones(repeat.own, capacity, signal, progress));
    });
    const aims = [...(cases.length > 0 ? aimsOf(series) : []), ...zones.flatMap(zoneAims)];
    const tables = [cases.length > 0 ? tablesOf(series) : '', zones.length > 0 ? zoneTable(zones) : '', aimsTable(aims)].join('');
    const runs = [...series, ...zones];
    return { tables, report: { bench: 'recovery', aims, runs, ...(error === undefined ? {} : { error }) } };
  },
};

/** One cluster for all faults of a case: its processes are warm after the first, which does not count. */
const measure = async (which: Case, count: number, signal: AbortSignal, progress: (line: string) => void): Promise<Series> => {
  const name = `${which.fault}, ${which.variant}, ${which.stateMB} MB${which.localRecovery ? '' : ', not from local state'}`;
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const storage = await startStorage(BUCKET);
  const scene = new Scene(which, { directory, image: paths().flink(), jar: recoveryJar(), storage });
  const measured: Measured[] = [];
  const machine = new MachineWatch();
  let problem: string | undefined;
  try {
    progress(`${name}: starts`);
    await scene.start();
    for (let index = 0; index <= count; index += 1) {
      signal.throwIfAborted();
      await scene.settle();
      const run = await scene.suffer();
      if (index > 0) measured.push(run);
      machine.look();
      progress(`${name}: ${index} of ${count}: first record after ${Math.round(run.firstRecord)} ms`);
    }
  } catch (error) {
    problem = (error as Error).message;
    progress(`${name}: ${problem}`);
  } finally {
    await scene.stop();
    await storage.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    ...which,
    measured,
    machine: machine.seen,
    ...(problem === undefined ? {} : { problem }),
  };
};
