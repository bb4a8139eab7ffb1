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
  const neverLate = pairs.filter(({ peer }) => peer.secondsToRecover === 0).map(({ shape }) => shape.name);
  const recovery = {
    mine: sum(({ sluice, shape }) => recoveryOf(sluice, shape)),
    theirs: sum(({ peer, shape }) => recoveryOf(peer, shape)),
  };
  const followed = recovery.mine <= recovery.theirs / 3;
  const slots = { mine: sum(({ sluice }) => sluice.slotSeconds), theirs: sum(({ peer }) => peer.slotSeconds) };
  const [mine, theirs] = [sum(({ sluice }) => sluice.rescales), sum(({ peer }) => peer.rescales)];
  const wrong = runs.reduce((total, run) => total + run.missing + run.doubled, 0);
  return [
    {
      name: 'Seconds to recover',
      aim: `at most a third of the peer's ${rounded(recovery.theirs)}`,
      measured: rounded(recovery.mine),
      met: followed,
      ...(followed || neverLate.length === 0
        ? {}
        : { note: `the peer was never late in ${neverLate.join(', ')}: it had more slots before the load did harm` }),
    },
    {
      name: 'TaskManager-seconds',
      aim: `at most the peer's ${slots.theirs}`,
      measured: slots.mine,
      met: slots.mine <= slots.theirs,
    },
    { name: 'Rescales', aim: `fewer than the peer's ${theirs}`, measured: mine, met: mine < theirs },
    { name: 'Orders missing or doubled', aim: '0', measured: wrong, met: wrong === 0 },
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
