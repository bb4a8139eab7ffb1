import { readFileSync, writeFileSync } from 'node:fs';
import { type Bench, optionsOf, problemOf, wholeNumber } from '../bench';
import { type Aim, aimsTable, table } from '../report';
import { rounded } from '../statistics';
import { type PolicyTotals, runFleet } from './fleet';
import { parseProfile } from './jobs';
import { plotDay } from './plot';
import { OPERATOR } from './run-job';

/** Of the two cores that a machine of this project has. */
const THREADS = 2;
const HOURS_A_DAY = 24;

/** Why the operator's rules cost less (docs/adr/0017-what-a-rescale-can-bring.md). */
const CALM =
  'the calm keeps capacity, at four rescales a day that each have to save enough; the operator rescales more often, and lets a job run up to its whole capacity first';

const dollarsBeside = (sluice: PolicyTotals, other: PolicyTotals): string =>
  `for ${rounded((sluice.dollars / other.dollars) * 100)} % of its dollars`;

const minutesBeside = (sluice: PolicyTotals, other: PolicyTotals): string =>
  `for ${sluice.outsideMinutes} minutes outside in place of ${other.outsideMinutes}`;

export const aimsOf = (all: readonly PolicyTotals[]): Aim[] => {
  const [sluice, ...others] = all;
  if (!sluice) return [];
  return others.flatMap((other) => [
    {
      name: `minutes outside the service level, against ${other.policy}`,
      aim: `fewer than ${other.outsideMinutes}`,
      measured: sluice.outsideMinutes,
      met: sluice.outsideMinutes < other.outsideMinutes,
      ...(sluice.outsideMinutes < other.outsideMinutes ? {} : { note: dollarsBeside(sluice, other) }),
    },
    {
      name: `dollars, against ${other.policy}`,
      aim: `fewer than ${Math.round(other.dollars)}`,
      measured: Math.round(sluice.dollars),
      met: sluice.dollars < other.dollars,
      ...(sluice.dollars < other.dollars ? {} : { note: other.policy === OPERATOR ? CALM : minutesBeside(sluice, other) }),
    },
  ]);
};

const tablesOf = (all: readonly PolicyTotals[], jobs: number, days: number): string =>
  table(
    `${jobs} jobs, ${days} days`,
    ['policy', 'minutes outside', 'of all, %', 'vCPU-hours', 'USD', 'rescales a job and day', 'jobs better', 'worse than Sluice'],
    all.map(({ policy, outsideMinutes, vcpuHours, dollars, rescales, jobsBetter, jobsWorse }) => [
      policy,
      outsideMinutes,
      ((outsideMinutes / (jobs * days * HOURS_A_DAY * 60)) * 100).toFixed(3),
      Math.round(vcpuHours),
      Math.round(dollars),
      (rescales / jobs / days).toFixed(2),
      jobsBetter,
      jobsWorse,
    ]),
  ) + aimsTable(aimsOf(all));

export const fleet: Bench = {
  usage: `fleet [OPTIONS]    simulates a fleet of jobs under Sluice's decisions and four other policies
  --jobs N         (100)
  --days N         measured days, after a week that is not (30)
  --seed S         of the jobs, their loads and troubles (1)
  --profile FILE   lines of seconds and records per second, in place of the jobs' own loads; repeated, and scaled to each job's size
  --plot FILE      an SVG of one day of one job under each policy
  --plot-job N     (7)   --plot-day N  (9)`,
  limitSeconds: 3_600,
  run: async ({ args, signal, progress }) => {
    const options = optionsOf(args, { jobs: '100', days: '30', seed: '1', profile: '', plot: '', 'plot-job': '7', 'plot-day': '9' });
    const [jobs, days, seed] = [wholeNumber('jobs', options.jobs), wholeNumber('days', options.days), wholeNumber('seed', options.seed)];
    const profile = options.profile === '' ? null : readFileSync(options.profile, 'utf8');
    if (profile !== null) parseProfile(profile);
    let all: PolicyTotals[] = [];
    const begun = performance.now();
    const error = await problemOf(async () => {
      if (options.plot !== '') {
        const [job, day] = [wholeNumber('plot-job', options['plot-job']), wholeNumber('plot-day', options['plot-day'])];
        writeFileSync(options.plot, plotDay({ seed, days: day, ...(profile === null ? {} : { profile: parseProfile(profile) }) }, job));
        progress(`${options.plot} is written`);
      }
      const step = Math.max(1, Math.ceil(jobs / 20));
      const report = (done: number): void => {
        if (done % step === 0 || done === jobs) progress(`${done} of ${jobs} jobs`);
      };
      all = await runFleet({ seed, days, jobs, threads: THREADS, profile, signal, progress: report });
    });
    return {
      tables: tablesOf(all, jobs, days),
      report: {
        bench: 'fleet',
        aims: aimsOf(all),
        runs: {
          jobs,
          days,
          seed,
          seconds: rounded((performance.now() - begun) / 1_000),
          policies: all.map((one) => ({ ...one, vcpuHours: rounded(one.vcpuHours), dollars: rounded(one.dollars, 2) })),
        },
        ...(error === undefined ? {} : { error }),
      },
    };
  },
};
