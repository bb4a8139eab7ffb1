import { parseArgs } from 'node:util';
import { ALL_FLIGHTS } from '../../examples/flight-delays/flights';
import { onEnd } from '../twin/lifetime';
import { readSettings } from '../twin/settings';
import { Twin } from '../twin/twin';
import { LiveView } from './live-view';
import { showStep, takeTheRoad } from './road';
import { PlainView, type View } from './view';

const USAGE = `npm start [-- OPTIONS]     the local twin with a cluster, a job and live figures; Ctrl-C ends all of it

  --until-done    replay the first flights, wait for all results, compare them with the right answer, end with 0 or 1
  --json          one line of JSON on stdout at the end, progress as lines on stderr
  --plain         progress as lines also on a terminal
  --flights N     how many of the 3,000,000 flights (default: all; with --until-done 300000)
  --rate N        flights a second (default: 20000; with --until-done as fast as it goes)`;

const wholeNumber = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, not ${text}`);
  return Number(text);
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      'until-done': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      flights: { type: 'string' },
      rate: { type: 'string' },
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
  const live = process.stdout.isTTY && !values.json && !values.plain;
  const view: View = live ? new LiveView(process.stdout) : new PlainView(values.json ? process.stderr : process.stdout);

  const twin = new Twin({ settings: readSettings(), command: 'npm start', onStep: showStep(view) });
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
    const road = takeTheRoad({
      start: () => twin.start(),
      view,
      flights,
      untilDone,
      signal: ending.signal,
      ...(rate === undefined ? {} : { rate }),
    });
    road.catch(() => {}); // the race below has it, unless the end was asked for
    const summary = await Promise.race([road, twin.broken, ended]);
    if (summary) {
      code = summary.ok ? 0 : 1;
      view.note(
        summary.ok
          ? `All ${summary.rowsCompared} rows are right. First row after ${summary.secondsToFirstRow.toFixed(1)} s.`
          : `WRONG: ${summary.rowsWrong} wrong, ${summary.rowsMissing} missing, ${summary.rowsDoubled} doubled, ${summary.rowsUnexpected} unexpected of ${summary.rowsExpected} rows\n${summary.problems.join('\n')}`,
      );
    } else if (untilDone) code = 130;
    await twin.stop();
    if (values.json) process.stdout.write(`${JSON.stringify(summary ?? { ok: false, reason: 'ended before it was done' })}\n`);
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
