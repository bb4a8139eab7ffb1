import { SluiceClient } from '../../local/client/sluice-client';
import { readSettings } from '../../local/twin/settings';
import { Twin } from '../../local/twin/twin';
import { type Bench, optionsOf, problemOf } from '../bench';
import { type Aim, aimsTable, table } from '../report';
import { rounded } from '../statistics';
import { type Contestant, contest, type Run } from './contest';
import { peerJar } from './peer';
import { type Shape, shapesOf } from './shapes';

const CLUSTER = 'contest';

/** A run that never recovered counts as the whole of its shape. */
const recoveryOf = (run: Run, shape: Shape): number => run.secondsToRecover ?? (shape.profile.at(-1)?.second ?? 0) - shape.from;

export const aimsOf = (runs: readonly Run[], shapes: readonly Shape[]): readonly Aim[] => {
  const pairs = shapes.flatMap((shape) => {
    const of = (contestant: Contestant) => runs.find((run) => run.contestant === contestant && run.shape === shape.name);
    const [sluice, peer] = [of('sluice'), of('peer')];
    return sluice && peer ? [{ shape, sluice, peer }] : [];
  });
  if (pairs.length === 0) return [];
  const sum = (pick: (pair: (typeof pairs)[number]) => number): number => pairs.reduce((total, pair) => total + pick(pair), 0);
  /** Names of the shapes in which this is so, as a part of a sentence. */
  const where = (is: (pair: (typeof pairs)[number]) => boolean): string =>
    pairs
      .filter(is)
      .map(({ shape }) => shape.name)
      .join(', ');
  const total = (name: string, aim: string, measured: number, met: boolean, reason: string): Aim => ({
    name,
    aim,
    measured,
    met,
    ...(met ? {} : { note: reason }),
  });
  const recovery = {
    mine: sum(({ sluice, shape }) => recoveryOf(sluice, shape)),
    theirs: sum(({ peer, shape }) => recoveryOf(peer, shape)),
  };
  const neverLate = where(({ peer }) => peer.secondsToRecover === 0);
  const slots = { mine: sum(({ sluice }) => sluice.slotSeconds), theirs: sum(({ peer }) => peer.slotSeconds) };
  const waited = { mine: sum(({ sluice }) => sluice.lagIntegral), theirs: sum(({ peer }) => peer.lagIntegral) };
  const rescales = { mine: sum(({ sluice }) => sluice.rescales), theirs: sum(({ peer }) => peer.rescales) };
  const wrong = runs.reduce((all, run) => all + run.missing + run.doubled, 0);
  return [
    total(
      'Seconds to recover',
      `at most a third of the peer's ${rounded(recovery.theirs)}`,
      rounded(recovery.mine),
      recovery.mine <= recovery.theirs / 3,
      neverLate === ''
        ? `late in ${where(({ sluice }) => sluice.secondsToRecover !== 0)}`
        : `the peer was never late in ${neverLate}: it had more slots before the load did harm`,
    ),
    total(
      'TaskManager-seconds',
      `at most the peer's ${slots.theirs}`,
      slots.mine,
      slots.mine <= slots.theirs,
      `more in ${where(({ sluice, peer }) => sluice.slotSeconds > peer.slotSeconds)}, for ${waited.mine} order-seconds of waiting in all instead of ${waited.theirs}`,
    ),
    total(
      'Rescales',
      `fewer than the peer's ${rescales.theirs}`,
      rescales.mine,
      rescales.mine < rescales.theirs,
      `not fewer in ${where(({ sluice, peer }) => sluice.rescales >= peer.rescales)}`,
    ),
    total('Orders missing or doubled', '0', wrong, wrong === 0, 'see the runs'),
  ];
};

const tablesOf = (runs: readonly Run[], aims: readonly Aim[]): string =>
  table(
    'One job under the same load, with each autoscaler',
    [
      '',
      'recovered after s',
      'last rescale s',
      'most lag s',
      'order-seconds of lag',
      'slot-seconds',
      'rescales',
      'wrong way',
      'load',
      'stolen %',
      'sizes',
    ],
    runs.map((run) => [
      `${run.shape}, ${run.contestant}`,
      run.secondsToRecover ?? 'never',
      run.secondsToLastRescale ?? '-',
      run.mostLagSeconds,
      run.lagIntegral,
      run.slotSeconds,
      run.rescales,
      run.wrongWay,
      run.machine.load,
      run.machine.stolenPercent,
      run.sizes.join(', '),
    ]),
  ) + aimsTable(aims);

export const autoscaler: Bench = {
  usage: `autoscaler [OPTIONS]   the scaling loop against Apache's standalone autoscaler, on the same Flink under the same load
  --shapes LIST    of step, ramp, spike, saw (all)
  --profile FILE   instead: lines of seconds and records per second
  --only NAME      sluice or peer (both)
  --band NAME      own: how busy a subtask is to be is each one's own default (Apache's 0.7 within 0.4 and 1); same: 0.7 within 0.5 and 0.9 (own)`,
  limitSeconds: 5_400,
  run: async ({ args, signal, progress }) => {
    const options = optionsOf(args, { shapes: 'step,ramp,spike,saw', profile: '', only: '', band: 'own' });
    const { band } = options;
    if (band !== 'own' && band !== 'same') throw new Error(`--band knows own and same; not ${band}`);
    const shapes = shapesOf(options.shapes, options.profile);
    const contestants = (['peer', 'sluice'] as const).filter((name) => options.only === '' || options.only === name);
    const settings = readSettings();
    const jar = contestants.includes('peer') ? peerJar(settings) : '';
    const runs: Run[] = [];
    const twin = new Twin({ settings, command: 'npm run bench -- autoscaler' });
    const error = await problemOf(async () => {
      try {
        const file = await twin.start();
        const client = new SluiceClient(file);
        // Both have all hosts from the start: what is compared is the decision, not how fast an instance boots.
        await client.succeeded(
          await client.launchCluster({
            name: CLUSTER,
            size: 'dev',
            overrides: { taskManagers: { min: 2, max: 2 } },
            observation: { intervalSeconds: 10 },
          } as Parameters<SluiceClient['launchCluster']>[0]),
        );
        for (const shape of shapes)
          for (const contestant of contestants) {
            const run = await Promise.race([
              contest({ settings, twin: file, jar, cluster: CLUSTER, signal, progress, band }, contestant, shape),
              twin.broken,
            ]);
            runs.push(run);
            progress(
              `${shape.name}, ${contestant}: recovered after ${run.secondsToRecover} s, ${run.rescales} rescales (${run.sizes.join(', ')})`,
            );
          }
      } finally {
        await twin.stop();
      }
    });
    const aims = aimsOf(runs, shapes);
    return { tables: tablesOf(runs, aims), report: { bench: 'autoscaler', band, aims, runs, ...(error === undefined ? {} : { error }) } };
  },
};
