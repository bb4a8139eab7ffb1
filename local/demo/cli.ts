import { parseArgs } from 'node:util';
import { ALL_FLIGHTS } from '../../examples/flight-delays/flights';
import { onEnd } from '../twin/lifetime';
import { readSettings } from '../twin/settings';
import { Twin } from '../twin/twin';
import { LiveView } from './live-view';
import { type Summary, showStep, takeTheRoad } from './road';
import { SCENARIO_NAMES, scenarioNamed } from './scenarios';
import { runScenario, type ScenarioSummary } from './scenarios/run';
import { PlainView, type View } from './view';

const USAGE = `npm start [-- OPTIONS]     the local twin with a cluster, a job and live figures; Ctrl-C ends all of it

  --until-done    replay the first flights, wait for all results, compare them with the right answer, end with 0 or 1
  --json          one line of JSON on stdout at the end, progress as lines on stderr
  --plain         progress as lines also on a terminal
  --flights N     how many of the 3,000,000 flights (default: all; with --until-done 300000)
  --rate N        flights a second (default: 20000; with --until-done as fast as it goes)
  --scenario NAME something happens to a running job, and the answer has to be exactly right: ${SCENARIO_NAMES.join(', ')}
  --minutes N     of the scenario soak: how long faults strike (10); of every-state: how long states are begun (until each was)
  --seed N        of these two: which faults or states, and when (1)
  --faults A,B    of the scenario soak: only these (all of them)
  --capacity C    of the scenario soak: cold, or warm hosts that wait in the next zone (cold)
  --states A,B    of the scenario every-state: only these, as KIND/STATE with * (all of them)`;

const wholeNumber = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, not ${text}`);
  return Number(text);
};

const oneOf = <T extends string>(name: string, text: string, known: readonly T[]): T => {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new Error(`--${name} knows ${known.join(', ')}; not ${text}`);
  return found;
};

const roadLine = (summary: Summary): string =>
  summary.ok
    ? `All ${summary.rowsCompared} rows are right. First row after ${summary.secondsToFirstRow.toFixed(1)} s.`
    : `WRONG: ${summary.rowsWrong} wrong, ${summary.rowsMissing} missing, ${summary.rowsDoubled} doubled, ${summary.rowsUnexpected} unexpected of ${summary.rowsExpected} rows\n${summary.problems.join('\n')}`;

const scenarioLine = ({ ok, ordersExpected, missing, doubled, unexpected, problems }: ScenarioSummary): string => {
  const right = missing + doubled + unexpected === 0;
  const answer = right
    ? `All ${ordersExpected} orders were numbered exactly once${ok ? '.' : ', but'}`
    : `WRONG: ${missing} missing, ${doubled} doubled, ${unexpected} unexpected of ${ordersExpected} orders`;
  return [answer, ...problems].join('\n');
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      'until-done': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      flights: { type: 'string' },
      rate: { type: 'string' },
      scenario: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      faults: { type: 'string' },
      capacity: { type: 'string' },
      states: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const untilDone = values['until-done'];
  const flights = wholeNumber('flights', values.flights) ?? (untilDone ? 300_000 : ALL_FLIGHTS);
  const rate = wholeNumber('rate', values.rate) ?? (untilDone ? undefined : 20_000);
  const scenario =
    values.scenario === undefined
      ? undefined
      : scenarioNamed(values.scenario, {
          seed: wholeNumber('seed', values.seed) ?? 1,
          ...(values.minutes === undefined ? {} : { minutes: wholeNumber('minutes', values.minutes) as number }),
          ...(values.faults === undefined ? {} : { faults: values.faults.split(',') }),
          ...(values.capacity === undefined ? {} : { capacity: oneOf('capacity', values.capacity, ['cold', 'warm'] as const) }),
          ...(values.states === undefined ? {} : { states: values.states.split(',') }),
        });
  const live = !scenario && process.stdout.isTTY && !values.json && !values.plain;
  const view: View = live ? new LiveView(process.stdout) : new PlainView(values.json ? process.stderr : process.stdout);

  const settings = readSettings();
  const twin = new Twin({ settings, command: 'npm start', onStep: showStep(view) });
  const ending = new AbortController();
  const ended = new Promise<undefined>((resolve) =>
    onEnd((why) => {
      view.note(`Ending (${why}) …`);
      ending.abort(new Error(`ended by ${why}`));
      resolve(undefined);
    }),
  );
  let code = 0;
  try {
    const start = () => twin.start();
    const { signal } = ending;
    const play = scenario
      ? runScenario(scenario, { settings, start, view, signal }).then((summary) => ({ summary, line: scenarioLine(summary) }))
      : takeTheRoad({ start, view, flights, untilDone, signal, ...(rate === undefined ? {} : { rate }) }).then(
          (summary) => summary && { summary, line: roadLine(summary) },
        );
    play.catch(() => {}); // the race below has it, unless the end was asked for
    const result = await Promise.race([play, twin.broken, ended]);
    if (result) {
      code = result.summary.ok ? 0 : 1;
      view.note(result.line);
    } else if (untilDone || scenario) code = 130;
    await twin.stop();
    if (values.json) process.stdout.write(`${JSON.stringify(result?.summary ?? { ok: false, reason: 'ended before it was done' })}\n`);
  } catch (error) {
    view.note(`✗ ${(error as Error).message}`);
    await twin.stop();
    if (values.json) process.stdout.write(`${JSON.stringify({ ok: false, reason: (error as Error).message.slice(0, 2_000) })}\n`);
    code = 1;
  }
  view.end();
  return code;
};

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
