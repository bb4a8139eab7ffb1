import { DAY_MINUTES } from './jobs';
import { type FleetRun, POLICIES, runJob, WARM_UP_DAYS } from './run-job';
import type { Trace } from './simulate';

const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [880, 120, 150, 34, 22];

const round = (value: number): string => value.toFixed(1);

/** A line through points; `steps` keeps each height until the next. */
const path = (points: readonly (readonly [number, number])[], steps = false): string =>
  points
    .map(([x, y], index) => (index === 0 ? `M${round(x)} ${round(y)}` : steps ? `H${round(x)}V${round(y)}` : `L${round(x)} ${round(y)}`))
    .join('');

const panel = (name: string, minutes: readonly Trace[], most: number, top: number): string => {
  const x = (index: number): number => LEFT + (index / DAY_MINUTES) * WIDTH;
  const y = (rate: number): number => top + HEIGHT - (Math.min(rate, most) / most) * HEIGHT;
  const line = minutes.filter((_, index) => index % 3 === 0).map(({ arriving }, index) => [x(index * 3), y(arriving)] as const);
  const capacity = minutes.map((minute, index) => [x(index), y(minute.capacity)] as const);
  // Only where it changes, so that the file stays small.
  const edges = capacity.filter(([, height], index) => index === 0 || index === capacity.length - 1 || height !== capacity[index - 1]?.[1]);
  const outside = minutes
    .map(({ outside: is }, index) => (is ? `<rect x="${round(x(index))}" y="${top}" width="1.2" height="${HEIGHT}" class="o"/>` : ''))
    .join('');
  const rescales = minutes
    .map(({ reason }, index) => (reason === undefined ? '' : `<path d="M${round(x(index))} ${top + HEIGHT}v5" class="r"/>`))
    .join('');
  const hostHours = minutes.reduce((sum, { hosts }) => sum + hosts, 0) / 60;
  const out = minutes.filter((minute) => minute.outside).length;
  return `<g>${outside}<path d="${path([...edges], true)}" class="c"/><path d="${path(line)}" class="l"/>${rescales}
<path d="M${LEFT} ${top}V${top + HEIGHT}H${LEFT + WIDTH}" class="a"/>
<text x="${LEFT - 10}" y="${top + 18}" class="n">${name}</text>
<text x="${LEFT - 10}" y="${top + 38}" class="d">${out} min outside</text>
<text x="${LEFT - 10}" y="${top + 54}" class="d">${Math.round(hostHours)} host-hours</text>
<text x="${LEFT - 10}" y="${top + 70}" class="d">${minutes.filter(({ reason }) => reason !== undefined).length} rescales</text></g>`;
};

/** An SVG of the last day of a run of one job: what comes in, what could be processed, minutes outside the service level, rescales. */
export const plotDay = (run: FleetRun, index: number): string => {
  const from = (WARM_UP_DAYS + run.days - 1) * DAY_MINUTES;
  const traces = new Map<string, Trace[]>(Object.keys(POLICIES).map((name) => [name, []]));
  runJob(run, index, POLICIES, (policy, minute) => {
    if (minute.minute >= from) traces.get(policy)?.push(minute);
  });
  const most =
    1.05 * Math.max(...[...traces.values()].flat().map(({ arriving, capacity }) => Math.max(arriving, Math.min(capacity, 2 * arriving))));
  const panels = [...traces].map(([name, minutes], row) => panel(name, minutes, most, TOP + row * (HEIGHT + GAP)));
  const bottom = TOP + panels.length * (HEIGHT + GAP);
  const hours = [0, 6, 12, 18, 24].map((hour) => `<text x="${LEFT + (hour / 24) * WIDTH}" y="${bottom + 6}" class="h">${hour}:00</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 30} ${bottom + 20}" font-family="sans-serif">
<style>rect.b{fill:#fff}.l{fill:none;stroke:#1f6feb;stroke-width:1.3}.c{fill:none;stroke:#6e7781;stroke-width:1.3}.o{fill:#f85149;opacity:.45}.r{stroke:#1a7f37;stroke-width:2}.a{fill:none;stroke:#d0d7de}text{fill:#1f2328;font-size:13px}.n{text-anchor:end;font-weight:600}.d{text-anchor:end;font-size:11px;fill:#59636e}.h{text-anchor:middle;font-size:11px;fill:#59636e}</style>
<rect class="b" width="100%" height="100%"/>
<text x="${LEFT}" y="18">Job ${index} of seed ${run.seed}, day ${run.days}: records per second that come in (blue) and that could be processed (grey); outside the service level (red); rescales (green)</text>
${panels.join('\n')}
${hours.join('')}
</svg>
`;
};
