import { decideScaling } from '../../lambdas/domain/scaling/decide-scaling';
import { type Bench, optionsOf, problemOf, wholeNumber } from '../bench';
import { HOURS_A_MONTH, MINUTES_A_MONTH, NOTHING, PRICES, priceOf } from '../prices';
import { aimsTable, table, under } from '../report';
import { rounded } from '../statistics';
import { decisionInputs, timed } from './decisions';
import { measurePasses, type PassCost } from './passes';

const INTERVALS = [10, 30, 60] as const;
/** Aim for a job of 100 vertices. */
const DECISION_MS = 10;
const JOBS = 10_000;
/** Vertices of each of them. */
const JOB_VERTICES = 5;
/** `lib/config/functions.ts` */
const FUNCTION_GB = 0.5;
/** An Express execution is billed in steps of 64 MB; a definition of a few KB and a payload of a few hundred bytes take one. */
const EXECUTION_GB = 0.0625;
/** States that one pass passes, and those around them; Express does not bill them, a standard machine would. */
const STATES = { pass: 5, execution: 4 };

/** Of a minute in which an idle cluster is looked at: the interval that its observation comes to, whatever is set. */
const IDLE_SECONDS = 60;

/** Dollars a month of one cluster with one job, or with none. @param passMs how long the function of a pass runs */
const monthOf = (cost: PassCost, everySeconds: number, passMs: number) => {
  const passesAMinute = 60 / everySeconds;
  const passes = MINUTES_A_MONTH * passesAMinute;
  const functionSeconds = (passMs / 1_000) * FUNCTION_GB;
  const use = {
    ...NOTHING,
    invocations: passes,
    gbSeconds: passes * functionSeconds,
    tableReadUnits: passes * cost.readUnits,
    tableWriteUnits: passes * cost.writeUnits,
    logBytes: passes * cost.logBytes,
  };
  const machineSeconds = (passesAMinute - 1) * everySeconds + passMs / 1_000;
  const machine = MINUTES_A_MONTH * (PRICES.expressExecution + machineSeconds * EXECUTION_GB * PRICES.expressGbSecond);
  const list = MINUTES_A_MONTH * (PRICES.invocation + functionSeconds * PRICES.gbSecond + cost.listReadUnits * PRICES.tableReadUnit);
  const metrics = cost.metrics * PRICES.metricMonth;
  return {
    everySeconds,
    passes: Math.round(passes),
    flinkCalls: Math.round(passes * cost.flinkCalls),
    tableCalls: Math.round(passes * cost.tableCalls),
    functionMs: Math.round(passes * passMs),
    states: Math.round(passes * STATES.pass + MINUTES_A_MONTH * STATES.execution),
    /** Of the pass: function, table, log. */
    pass: rounded(priceOf(use), 2),
    metrics: rounded(metrics, 2),
    /** Of the stage, whatever the number of its clusters: machine and list. */
    stage: rounded(machine + list, 2),
    total: rounded(priceOf(use) + metrics + machine + list, 2),
  };
};

export const loop: Bench = {
  usage: `loop [OPTIONS]     what the scaling loop costs: its calls, its time, its dollars, and the time of a decision
  --passes N       passes that are timed (50)
  --decisions N    decisions that are timed (1000)
  --pass-ms N      duration of a pass to reckon with, from REPORT lines of observe-flink (default: measured here, without a network)`,
  limitSeconds: 300,
  run: async ({ args, progress }) => {
    const options = optionsOf(args, { passes: '50', decisions: '1000', 'pass-ms': '' });
    const passes = wholeNumber('passes', options.passes);
    const decisions = wholeNumber('decisions', options.decisions);
    const found: {
      costs: PassCost[];
      months: ReturnType<typeof monthOf>[];
      idle?: ReturnType<typeof monthOf>;
      decision?: ReturnType<typeof timed>;
      fleetSeconds?: number;
    } = { costs: [], months: [] };
    const error = await problemOf(async () => {
      for (const vertices of [3, 100, 0]) {
        progress(vertices > 0 ? `passes over a job of ${vertices} vertices` : 'passes over a cluster without a job');
        found.costs.push(await measurePasses(vertices, passes));
      }
      const [small, , none] = found.costs;
      const passMs = ({ p95Ms }: PassCost): number => (options['pass-ms'] === '' ? p95Ms : wholeNumber('pass-ms', options['pass-ms']));
      if (small) found.months = INTERVALS.map((every) => monthOf(small, every, passMs(small)));
      if (none) found.idle = monthOf(none, IDLE_SECONDS, passMs(none));
      progress('decisions');
      const large = decisionInputs(100);
      found.decision = timed(decisions, () => decideScaling(large.observed, large.desired, large.now));
      const each = decisionInputs(JOB_VERTICES);
      const start = performance.now();
      for (let job = 0; job < JOBS; job += 1) decideScaling(each.observed, each.desired, each.now);
      found.fleetSeconds = (performance.now() - start) / 1_000;
    });
    const aims = [
      ...(found.decision
        ? [
            under(
              'a decision for 100 vertices, 99th percentile',
              DECISION_MS,
              'ms',
              rounded(found.decision.p99, 2),
              'on the clock, with what else runs here',
            ),
            under('a decision for 100 vertices, 99th percentile of processor time', DECISION_MS, 'ms', rounded(found.decision.cpuP99, 2)),
          ]
        : []),
      ...(found.fleetSeconds === undefined
        ? []
        : [
            under(
              `decisions for ${JOBS} jobs of ${JOB_VERTICES} vertices`,
              10,
              's',
              rounded(found.fleetSeconds, 2),
              'the shortest interval between two passes',
            ),
          ]),
      ...(found.idle
        ? [
            under(
              'a cluster without a job, a month',
              5,
              'USD',
              found.idle.total,
              `at any interval, because it is looked at once a minute; machine and list of the stage included; ${HOURS_A_MONTH} hours`,
            ),
          ]
        : []),
    ];
    const tables = [
      aimsTable(aims),
      table(
        'One pass, by the deployed code',
        ['', 'Flink calls', 'table calls', 'read units', 'write units', 'log bytes', 'metrics', 'median ms', 'p95 ms'],
        found.costs.map((cost) => [
          cost.vertices === 0 ? 'no job' : `${cost.vertices} vertices`,
          cost.flinkCalls,
          cost.tableCalls,
          cost.readUnits,
          cost.writeUnits,
          cost.logBytes,
          cost.metrics,
          rounded(cost.medianMs),
          rounded(cost.p95Ms),
        ]),
      ),
      table(
        'A month of one cluster with one job of 3 vertices, USD',
        ['every', 'passes', 'Flink calls', 'table calls', 'function s', 'states', 'passes $', 'metrics $', 'stage $', 'total $'],
        [...found.months, ...(found.idle ? [found.idle] : [])].map((month) => [
          month === found.idle ? 'no job' : `${month.everySeconds} s`,
          month.passes,
          month.flinkCalls,
          month.tableCalls,
          Math.round(month.functionMs / 1_000),
          month.states,
          month.pass,
          month.metrics,
          month.stage,
          month.total,
        ]),
      ),
    ].join('');
    return { tables, report: { bench: 'loop', aims, runs: found, ...(error === undefined ? {} : { error }) } };
  },
};
