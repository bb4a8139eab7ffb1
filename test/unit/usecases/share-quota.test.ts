import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { Job } from '../../../lambdas/contracts/job';
import type { LastDecision } from '../../../lambdas/contracts/scaling';
import type { Stage } from '../../../lambdas/contracts/stage';
import { shareQuota } from '../../../lambdas/usecases/clusters/share-quota';
import { acceptRescale } from '../../../lambdas/usecases/jobs/accept-rescale';
import { considerScaling } from '../../../lambdas/usecases/scaling/consider-scaling';
import { explain } from '../../../tools/explain/explain';
import { aCluster, aJob } from '../../contract/support/samples';
import { createFakeStore } from '../../fakes/fake-store';
import { enter, run } from '../../state-machines/support/functions';
import { type Load, SIZE, STAGE, World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const NOW = '2026-03-04T12:00:00.000Z';
const ago = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();
/** Hosts of two slots and two vCPUs. */
const size = { ...SIZE, taskManagers: { min: 1, max: 20 } };
const clusterOf = (name: string, changes: Partial<Cluster> = {}): Cluster => ({ ...aCluster({ name }), size, ...changes });

interface Fields {
  readonly slots?: number;
  readonly priority?: number;
  /** vCPUs that it waits for. */
  readonly waits?: { readonly vcpus: number; readonly seconds: number; readonly askedSecondsAgo?: number };
  readonly job?: Partial<Job>;
}
const jobOf = (cluster: string, { slots = 2, priority = 0, waits, job = {} }: Fields = {}): Job => {
  const base = aJob({ cluster, name: 'j' });
  const lastDecision: LastDecision | undefined = waits && {
    at: ago(waits.askedSecondsAgo ?? 10),
    kind: 'hold',
    trigger: 'alarm lag',
    reason: '',
    waitsFor: { vcpus: waits.vcpus, least: 2, since: ago(waits.seconds) },
  };
  const spec = { ...base.spec, parallelism: slots, scaling: { enabled: true, priority } };
  return { ...base, spec, ...(lastDecision ? { lastDecision } : {}), ...job };
};

const withCapacity = ({ spec, ...cluster }: Cluster, capacity: 'cold' | 'warm'): Cluster => {
  const { placement } = spec;
  return { ...cluster, spec: { ...spec, placement: { ...placement, failover: { ...placement.failover, capacity } } } };
};

/** What the first of some clusters, of one job each, gets of a quota of so many vCPUs when it wants so many more hosts. */
const asked = async (
  total: number,
  hosts: number,
  first: Fields,
  others: Readonly<Record<string, Fields>> = {},
  capacity: Cluster['spec']['placement']['failover']['capacity'] = 'cold',
) => {
  const store = createFakeStore(() => new Date(NOW));
  const all: Readonly<Record<string, Fields>> = { own: first, ...others };
  store.seed({
    clusters: Object.keys(all).map((name) => withCapacity(clusterOf(name), capacity)),
    jobs: Object.entries(all).map(([name, fields]) => jobOf(name, fields)),
  });
  const [cluster, job] = await Promise.all([store.cluster('own'), store.job('own', 'j')]);
  if (!cluster || !job) throw new Error('not seeded');
  return shareQuota({ store }, { cluster, job, hosts, wanted: 1, total, now: NOW });
};

describe('of a quota', () => {
  const waits = { vcpus: 4, seconds: 0 };
  const cases: readonly (readonly [string, number, Parameters<typeof asked>])[] = [
    ['all is granted while there is room', 2, [20, 2, {}]],
    ['as many whole hosts as are left', 1, [5, 2, {}]],
    ['nothing when it is used up', 0, [2, 1, {}]],
    ['what other clusters use is not free', 1, [8, 3, {}, { other: { slots: 4 } }]],
    ['the last of it goes to the more important, which waits too', 0, [6, 1, {}, { other: { priority: 5, waits } }]],
    ['everybody gets a host before anybody gets two', 1, [8, 2, {}, { other: { priority: 5, waits } }]],
    ['what is left then goes to the more important', 2, [10, 2, { priority: 5 }, { other: { waits } }]],
    ['what is left then does not go to the less important', 1, [10, 2, {}, { other: { priority: 5, waits } }]],
    [
      'who waits long comes before the more important',
      1,
      [6, 1, { waits: { vcpus: 2, seconds: 3_600 } }, { other: { priority: 5, waits } }],
    ],
    [
      'who waits long does not come before one that is far more so',
      0,
      [6, 1, { waits: { vcpus: 2, seconds: 3_600 } }, { other: { priority: 50, waits } }],
    ],
    [
      'who has not asked for long does not wait any more',
      1,
      [6, 1, {}, { other: { priority: 5, waits: { ...waits, askedSecondsAgo: 301 } } }],
    ],
    ['half as many where a reserve has as many', 1, [10, 2, {}, {}, 'warm']],
    ['a job that has ended does not wait', 1, [6, 1, {}, { other: { priority: 5, waits, job: { status: 'FAILED' } } }]],
  ];
  test.each(cases)('%s (%i hosts)', async (_, hosts, given) => {
    expect(await asked(...given)).toMatchObject({ hosts });
  });

  test('who does not get all is told what it waits for, since when, and why', async () => {
    const share = await asked(8, 3, { waits: { vcpus: 6, seconds: 60 } }, { other: { priority: 5, waits } });
    expect(share).toMatchObject({ waitsFor: { vcpus: 6, least: 2, since: ago(60) } });
    expect(share.reason).toMatch(/^4 of 8 vCPUs are used, 6 more are wanted: Place 2/);
  });

  test('none starves: a job that is passed over by ever new ones of a higher priority has its turn', async () => {
    const turns: number[] = [];
    for (let seconds = 0; seconds <= 3_600; seconds += 300) {
      const rival = { priority: 9, waits: { vcpus: 2, seconds: 0 } };
      turns.push((await asked(6, 1, { waits: { vcpus: 2, seconds } }, { rival })).hosts);
    }
    expect(turns[0]).toBe(0);
    // Nine steps of priority are nine times five minutes.
    expect(turns.indexOf(1)).toBe(9);
  });

  test.each<[string, Partial<Cluster>, Partial<Job>]>([
    ['moves to another zone', { status: 'FAILING_OVER' }, { status: 'SUBMITTING' }],
    [
      'waits for its next move',
      { status: 'FAILED', former: [{ epoch: 1, zone: 'us-east-1a', resources: clusterOf('moved').resources }] },
      { status: 'FAILED', interrupted: { by: 'op-00000000000000000000000001', at: NOW } },
    ],
  ])('the hosts of a cluster that %s are not free', async (_, cluster, job) => {
    const store = createFakeStore(() => new Date(NOW));
    store.seed({ clusters: [clusterOf('own'), clusterOf('moved', cluster)], jobs: [jobOf('own'), jobOf('moved', { slots: 4, job })] });
    const [own, ownJob] = [clusterOf('own'), jobOf('own')];
    const share = await shareQuota({ store }, { cluster: own, job: ownJob, hosts: 1, wanted: 1, total: 6, now: NOW });
    expect(share).toMatchObject({ hosts: 0 });
    expect(share.reason).toMatch(/^6 of 6 vCPUs are used/);
  });

  test('whatever the table holds of terminated clusters is not used', async () => {
    const store = createFakeStore(() => new Date(NOW));
    const gone = clusterOf('gone', { status: 'TERMINATED', desired: 'TERMINATED' });
    store.seed({ clusters: [clusterOf('own'), gone], jobs: [jobOf('own'), jobOf('gone', { slots: 20 })] });
    const share = await shareQuota({ store }, { cluster: clusterOf('own'), job: jobOf('own'), hosts: 1, wanted: 1, total: 4, now: NOW });
    expect(share).toMatchObject({ hosts: 1 });
  });
});

describe('two jobs that ask for the last host at once', () => {
  const TOO_MUCH: Load = { read: 1_000, busy: 1, waiting: 100_000, growth: 200 };
  const JOBS = ['delays', 'arrivals'] as const;
  let world: World;
  beforeEach(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    world = enter(new World());
    await run(await world.acceptLaunch());
    for (const [priority, name] of JOBS.entries())
      await run(await world.acceptSubmission({ ...world.jarSpec(2, name, name), scaling: { enabled: true, priority } }));
    for (const name of JOBS) await world.observe(TOO_MUCH, name);
  });
  const consider = (job: string, maxVcpus?: number, prices: Pick<Stage, 'volumePrices'> = {}) => {
    const { clock, fleet, kafkaMetrics, observations, store, workflows } = world;
    const limits = { ...STAGE.limits, ...(maxVcpus === undefined ? {} : { maxVcpus }) };
    const stage = { ...STAGE, limits, prices: { [SIZE.instanceType]: 1 }, ...prices };
    return considerScaling({ clock, fleet, kafkaMetrics, observations, store, workflows, stage }, { cluster: 'flights', job }, 'alarm lag');
  };
  const started = () => world.workflows.started.filter(({ kind }) => kind === 'scale-job');

  test('do not both get it: the second is told that it waits', async () => {
    const considered = await Promise.all(JOBS.map((name) => consider(name, 6)));
    expect(considered.map(({ outcome }) => outcome).sort()).toEqual(['kept', 'started']);
    expect(started()).toHaveLength(1);
    const waiting = (await Promise.all(JOBS.map((name) => world.job(name)))).filter(({ lastDecision }) => lastDecision?.waitsFor);
    expect(waiting).toHaveLength(1);
    expect(waiting[0]?.lastDecision?.reason).toMatch(/6 of 6 vCPUs are used/);
  });

  test('are told so by name, with what was decided: who gets a part of what it wants, and why no more', async () => {
    await world.observe({ ...TOO_MUCH, growth: 900 }, 'delays');
    const { operationId = '' } = await consider('delays', 6);
    const named = { vertex: null, invariant: 'shared-by-priority', text: expect.stringContaining('Place 1: 2 of 4; the rest waits') };
    expect((await world.store.operation(operationId))?.request).toMatchObject({
      slots: { before: 2, after: 4 },
      explanation: expect.arrayContaining([named]),
    });
    const decision = await world.observations.decision('flights', operationId);
    expect(decision?.explanation).toContainEqual(named);
    const { lines, same } = explain(JSON.parse(JSON.stringify(decision)));
    expect([lines.some((line) => line.endsWith('[shared-by-priority]')), same]).toEqual([true, true]);
  });

  test('and wait for it: the more important gets it, though the other asks first', async () => {
    for (const name of JOBS) expect(await consider(name, 4)).toMatchObject({ outcome: 'kept' });
    const considered: string[] = [];
    for (const name of JOBS) considered.push(`${name} ${(await consider(name, 6)).outcome}`);
    expect(considered).toEqual(['delays kept', 'arrivals started']);
    expect((await world.job('delays')).lastDecision?.reason).toMatch(/Place 2/);
  });

  test('both get one where there are two', async () => {
    const considered = await Promise.all(JOBS.map((name) => consider(name, 8)));
    expect(considered.map(({ outcome }) => outcome)).toEqual(['started', 'started']);
  });

  /** The only one of the two that got more, and what the other was told. */
  const oneOfTwo = async () => {
    const considered = await Promise.all(JOBS.map((name) => consider(name)));
    expect(considered.map(({ outcome }) => outcome).sort()).toEqual(['kept', 'started']);
    const [{ operationId } = { operationId: '' }] = started();
    return { ...considered.find(({ outcome }) => outcome === 'kept'), request: (await world.store.operation(operationId))?.request };
  };

  test('do not both get the rest of the largest fleet where the stage has no quota', async () => {
    for (const name of JOBS) await world.observe({ ...TOO_MUCH, growth: 1_200 }, name);
    const { reason, request } = await oneOfTwo();
    expect(request).toMatchObject({ slots: { before: 2, after: 6, provide: 4 } });
    expect(reason).toMatch(/held back by the quota and the largest fleet of the cluster\.$/);
  });

  const limitTo = async (budgetDollarsPerHour: number): Promise<void> => {
    for (const name of JOBS) {
      const job = await world.job(name);
      const scaling = { enabled: true, priority: 0, budgetDollarsPerHour };
      world.store.seed({ jobs: [{ ...job, spec: { ...job.spec, scaling } }] });
    }
  };

  test('have no money for it where the volumes of its hosts take what is left of the budget', async () => {
    await limitTo(4);
    // Three hosts of 20 GB, two of them with 50 GB of state, at a thousandth of a dollar an hour each.
    const volumePrices = { gbMonth: 0.73, mibpsMonth: 1, iopsMonth: 1 };
    expect(await consider('delays', undefined, { volumePrices })).toMatchObject({ outcome: 'kept' });
    expect((await world.job('delays')).lastDecision?.reason).toMatch(
      /held back by the budget of \$4 an hour, of which hosts' volumes take \$0\.16 now\.$/,
    );
  });

  test('do not both spend what is left of the budget', async () => {
    await limitTo(4);
    const { reason, request } = await oneOfTwo();
    expect(request).toMatchObject({ slots: { before: 2, after: 4, provide: 2 } });
    expect(reason).toMatch(/held back by the budget of \$4 an hour\.$/);
  });

  test('and one of them by a person: what is decided then counts it', async () => {
    for (const name of JOBS) await world.observe({ ...TOO_MUCH, growth: 900 }, name);
    const { clock, store, workflows } = world;
    const change = { requestedBy: 'arn:aws:iam::000000000000:user/op', operationId: 'op-00000000000000000000000009', requestHash: 'h' };
    const [{ outcome }] = await Promise.all([
      consider('arrivals'),
      acceptRescale({ clock, store, workflows, stage: STAGE }, change, { cluster: 'flights', job: 'delays' }, 6),
    ]);
    expect(outcome).toBe('kept');
  });
});
