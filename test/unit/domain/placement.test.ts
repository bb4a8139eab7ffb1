import type { Stage } from '../../../lambdas/contracts/stage';
import { chooseSpread, taskManagerZones } from '../../../lambdas/domain/cluster-zone';
import { decideFailover } from '../../../lambdas/domain/decide-failover';
import { decideShrink } from '../../../lambdas/domain/decide-hosts';
import { describePlacement as describeIn } from '../../../lambdas/domain/describe-placement';
import { standbyZone } from '../../../lambdas/domain/job-managers';
import type { FleetSeen } from '../../../lambdas/gateways/aws/fleet.port';
import { nextEpoch } from '../../../lambdas/usecases/failover/accept-failover';
import { aCluster } from '../../contract/support/samples';
import { sizeOf, spec } from './examples';

const STAGE_ZONES = ['a', 'b', 'c'];
const size = sizeOf({ size: 'medium' }); // 2 to 8 hosts of 16 slots
const describePlacement = (
  cluster: Parameters<typeof describeIn>[0],
  slots: number | undefined,
  prices?: Record<string, number>,
  volumePrices?: Stage['volumePrices'],
) => describeIn(cluster, slots, { zones: STAGE_ZONES, prices, volumePrices });
const choose = (placement: object, home = 'b', fleet = size, shifted: readonly string[] = []) =>
  chooseSpread(spec({ size: 'medium', placement }), home, fleet, STAGE_ZONES, shifted);
const spreadCluster = (change = {}) =>
  aCluster({
    zone: 'b',
    zones: STAGE_ZONES,
    size,
    spec: spec({ size: 'medium', placement: { mode: 'spread' } }),
    status: 'RUNNING',
    desired: 'RUNNING',
    ...change,
  });

describe('zones of the TaskManagers', () => {
  it('are the home zone alone unless the cluster asks for more', () => {
    expect(choose({})).toEqual({ ok: true });
    expect(taskManagerZones(aCluster({ zone: 'b' }))).toEqual(['b']);
  });

  it('are all of the stage with spread, or those that the cluster names, the JobManager’s first', () => {
    expect(choose({ mode: 'spread' })).toMatchObject({ ok: true, zones: ['a', 'b', 'c'] });
    expect(choose({ mode: 'spread', zones: ['c', 'b'] })).toMatchObject({ ok: true, zones: ['b', 'c'] });
    expect(taskManagerZones(spreadCluster())).toEqual(['b', 'a', 'c']);
  });

  const BEGINS_WITHOUT = [
    ['begin without one that AWS shifts traffic away from', {}, ['c'], ['c'], /over 2 zones: a, b; AWS shifts traffic away from c: /],
    ['keep the home zone, whatever AWS says of it', {}, ['b', 'a'], ['a'], /over 2 zones: b, c; AWS shifts traffic away from a: /],
    ['are all where less than two were left', {}, ['a', 'c'], undefined, /over 3 zones: a, b, c, though AWS shifts traffic away from a, c/],
    ['are both where there are no more', { zones: ['a', 'b'] }, ['a'], undefined, /over 2 zones: a, b, though AWS shifts .* from a/],
    ['do not heed one that the cluster is not in', { zones: ['a', 'b'] }, ['c'], undefined, /over 2 zones: a, b$/],
  ] as const;
  it.each(BEGINS_WITHOUT)('%s, and say so', (_, placement, shifted, avoidedZones, reason) => {
    const chosen = choose({ mode: 'spread', ...placement }, 'b', size, shifted);
    const zones = 'zones' in placement ? placement.zones : STAGE_ZONES;
    expect(chosen).toEqual({ ok: true, zones, reason: expect.stringMatching(reason), ...(avoidedZones ? { avoidedZones } : {}) });
  });

  it.each([
    ['zones without spread', { zones: ['a', 'b'] }, 'placement.zones', 'is for mode "spread"'],
    ['a zone that the stage has not', { mode: 'spread', zones: ['a', 'x'] }, 'placement.zones', 'the stage has no zone x'],
    ['zones without the home zone', { mode: 'spread', zones: ['a', 'c'] }, 'placement.zones', 'the home zone b is not one of them'],
  ])('%s are refused', (_, placement, path, message) => {
    expect(choose(placement)).toMatchObject({ ok: false, problems: [{ path, message: expect.stringContaining(message) }] });
  });

  it('cannot be several where there is one host, or one zone', () => {
    const one = sizeOf({ size: 'dev', overrides: { taskManagers: { min: 1, max: 1 } } });
    expect(choose({ mode: 'spread' }, 'b', one)).toMatchObject({ ok: false, problems: [{ path: 'placement.mode' }] });
    expect(chooseSpread(spec({ placement: { mode: 'spread' } }), 'a', size, ['a'])).toMatchObject({ ok: false });
  });
});

describe('a spread cluster whose JobManager’s zone is lost', () => {
  it('begins in another zone without TaskManagers in the lost one, and has all zones again with the next planned move', () => {
    const moved = nextEpoch(spreadCluster(), 'c', ['b']);
    expect(taskManagerZones(moved)).toEqual(['c', 'a']);
    expect(taskManagerZones(nextEpoch(moved, 'b', []))).toEqual(['b', 'a', 'c']);
  });

  it('has nothing to do with a zone that it began without', () => {
    const evidence = { kind: 'zone-event', zone: 'a', says: 'a is impaired' } as const;
    const cluster = { ...spreadCluster({ name: 'flights', avoidedZones: ['a'] }), automatic: true, moves: [] };
    expect(decideFailover(cluster, evidence, '2026-03-01T12:00:00.000Z')).toEqual({
      action: 'hold',
      reason: 'flights is in b, not in a',
    });
  });

  it('is not moved because another of its zones is impaired', () => {
    const evidence = { kind: 'zone-event', zone: 'a', says: 'a is impaired' } as const;
    expect(decideFailover({ ...spreadCluster(), automatic: true, moves: [] }, evidence, '2026-03-01T12:00:00.000Z')).toMatchObject({
      action: 'hold',
      reason: expect.stringContaining('its jobs go on in the slots of the other zones'),
    });
    expect(
      decideFailover({ ...spreadCluster(), automatic: true, moves: [] }, { ...evidence, zone: 'b' }, '2026-03-01T12:00:00.000Z').action,
    ).toBe('move');
  });
});

describe('the stand-by JobManager', () => {
  const wanting = (change = {}) =>
    spreadCluster({
      spec: spec({ size: 'medium', placement: { mode: 'spread' }, highAvailability: { standbyJobManager: true } }),
      ...change,
    });

  it.each<[string, Parameters<typeof standbyZone>[0], string | undefined]>([
    ['is not there unless the cluster asks for it', spreadCluster(), undefined],
    ['is in the zone of a cluster that has one', { ...wanting({ zone: 'b' }), zones: undefined } as never, 'b'],
    ['is in the zone behind the JobManager’s', wanting({ zone: 'b' }), 'c'],
    ['is in the first zone where the JobManager is in the last', wanting({ zone: 'c' }), 'a'],
    ['is in no zone that is avoided', wanting({ zone: 'b', avoidedZones: ['c'] }), 'a'],
    ['is beside the JobManager where every other zone is avoided', wanting({ zone: 'b', avoidedZones: ['a', 'c'] }), 'b'],
  ])('%s', (_, cluster, zone) => {
    expect(standbyZone(cluster)).toBe(zone);
  });

  const standby = { zone: 'c', networkInterfaceId: 'eni-2', address: '10.0.3.20', group: 'standby' };
  const resources = { taskManagerGroups: [], launchTemplateIds: [], standby };
  const prices = { [size.jobManager.instanceType]: 0.17 };

  it('costs one more host, and with spread gives a cluster that the loss of no zone moves', () => {
    const { standby: seen, gives } = describePlacement(wanting({ resources }), 48, prices);
    expect(seen).toEqual({
      zone: 'c',
      costs: `One more JobManager host (${size.jobManager.instanceType}), $0.17 an hour.`,
      gives: expect.stringMatching(/wait for no start of a JVM or host\. When b is lost nothing moves\./),
    });
    expect(gives).toMatch(/When b is lost, the JobManager with it, the one that stands by in c leads on, and nothing moves\.$/);
  });

  it('goes with the zone of a cluster that has one', () => {
    const here = { ...resources, standby: { ...standby, zone: 'b' } };
    expect(describePlacement(aCluster({ zone: 'b', size, resources: here }), 48).standby.gives).toMatch(/When b is lost both are\.$/);
  });

  it('is offered where there is none, and missed where there was no address for it', () => {
    expect(describePlacement(spreadCluster(), 48).standby).toEqual({
      costs: `One more JobManager host (${size.jobManager.instanceType}).`,
      gives: expect.stringContaining('highAvailability.standbyJobManager'),
    });
    expect(describePlacement(wanting(), 48).standby).toMatchObject({ costs: expect.stringMatching(/^Nothing: there was no address/) });
  });
});

describe('idle hosts of a spread cluster', () => {
  const host = (number: number, zone: string): FleetSeen['hosts'][number] => ({
    instanceId: `i-${number}`,
    role: 'taskmanager',
    zone,
    state: 'running',
    address: `10.0.0.${number}`,
    launchedAt: `2026-01-01T00:00:0${number}.000Z`,
  });

  it('go from the zone that has the most, one after the other, so that those that stay are even', () => {
    const hosts = [host(1, 'a'), host(2, 'b'), host(3, 'b'), host(4, 'c'), host(5, 'c'), host(6, 'c')];
    const { action } = decideShrink({ hosts, wanted: { jobmanager: 1, taskmanager: 6 } }, { hosts: 3, reason: '' }, []);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-4', 'i-2', 'i-5'], replacedIds: [] });
  });
});

describe('what a placement costs and gives', () => {
  it('is nothing for traffic, and all slots with the zone, in a single one', () => {
    expect(describePlacement(aCluster({ zone: 'b', size }), 64)).toMatchObject({
      mode: 'single-zone',
      zones: ['b'],
      crossZoneShare: 0,
      slots: 64,
      slotsAfterZoneLoss: 0,
      costs: 'Nothing for what hosts send each other: all are in b.',
    });
  });

  // Shares by hand: three hosts in three zones 1 - 3/9; four in three 1 - (4+1+1)/16; two in three 1 - 2/4.
  it.each([
    [48, 0.667, 32, '$13.33'],
    [64, 0.625, 32, '$12.50'],
    [32, 0.5, 16, '$10.00'],
  ])('follows from %i slots over three zones', (slots, share, left, price) => {
    const { crossZoneShare, slotsAfterZoneLoss, costs, gives } = describePlacement(spreadCluster(), slots);
    expect([crossZoneShare, slotsAfterZoneLoss]).toEqual([share, left]);
    expect(costs).toContain(`${price} for each TB that jobs shuffle`);
    expect(gives).toContain(`at least ${left} of ${slots} slots are left`);
  });

  it('is the price of the cluster again where a reserve stands by, as far as the stage knows it', () => {
    const warm = aCluster({ zone: 'b', size, spec: spec({ placement: { failover: { capacity: 'warm' } } }) });
    expect(describePlacement(warm, 32).costs).toMatch(/2 TaskManager hosts and a JobManager .* as much as the cluster again\.$/);
    const prices = { [size.instanceType]: 0.34, [size.jobManager.instanceType]: 0.34 };
    expect(describePlacement(warm, 32, prices)).toMatchObject({
      costs: expect.stringMatching(/again: \$1\.02 an hour\.$/),
      gives: expect.stringContaining('a reserve stands by'),
    });
    // Two cents an hour for the volume of each of the three.
    const volumePrices = { gbMonth: 0.73, mibpsMonth: 1, iopsMonth: 1 };
    expect(describePlacement(warm, 32, prices, volumePrices)).toMatchObject({
      costs: expect.stringMatching(/again: \$1\.08 an hour\.$/),
      standby: { costs: `One more JobManager host (${size.jobManager.instanceType}), $0.36 an hour.` },
    });
  });

  it('says so where only a person moves the cluster', () => {
    const placement = { mode: 'spread', failover: { automatic: false } };
    expect(describePlacement(spreadCluster({ spec: spec({ size: 'medium', placement }) }), undefined).gives).toContain(
      'waits for a person',
    );
  });

  const sideBySide = (cluster: Parameters<typeof describePlacement>[0], slots = 48) => {
    const [single, spread, ...more] = describePlacement(cluster, slots).choices;
    if (!single || !spread || more.length > 0) throw new Error('there are not two choices');
    return { single, spread };
  };

  it('is said of both ways side by side, whichever was chosen', () => {
    const placed = sideBySide(spreadCluster());
    const alone = sideBySide(aCluster({ zone: 'b', size, spec: spec({ size: 'medium' }) }));
    expect([placed, alone].map(({ single, spread }) => [single.chosen, spread.chosen])).toEqual([
      [false, true],
      [true, false],
    ]);
    for (const { single, spread } of [placed, alone]) {
      expect([single.mode, single.zones, single.crossZoneShare, single.slotsAfterZoneLoss]).toEqual(['single-zone', ['b'], 0, 0]);
      expect([spread.mode, spread.zones, spread.crossZoneShare, spread.slotsAfterZoneLoss]).toEqual(['spread', ['b', 'a', 'c'], 0.667, 32]);
      expect(spread.costs).toMatch(/\$0\.02 a GB .* \$13\.33 for each TB/);
      for (const { costs } of [single, spread]) expect(costs).toMatch(/A reserve .* would be 3 TaskManager hosts and a JobManager/);
      expect(single.latency).toContain('typically takes 0.1 to 0.3 ms');
      expect(spread.latency).toContain('between zones typically takes 0.5 to 2 ms');
      expect(single.recovery).toMatch(/^When b is lost all 48 slots are.*7 to 8 s until new results, and the boot of hosts, 75 to 150 s/);
      expect(spread.recovery).toMatch(/at least 32 of 48 slots are left.*2 to 3 s after TaskManagers have vanished/);
      expect(spread.unavailable).toBeUndefined();
    }
  });

  it('agrees with what is said of the chosen one', () => {
    for (const cluster of [spreadCluster(), aCluster({ zone: 'b', size, spec: spec({ size: 'medium' }) })]) {
      const { choices, mode, zones, crossZoneShare, slotsAfterZoneLoss, costs, gives } = describePlacement(cluster, 48);
      const chosen = choices.find((one) => one.chosen);
      expect(chosen).toMatchObject({ mode, zones, crossZoneShare, slotsAfterZoneLoss });
      expect([chosen?.costs.startsWith(costs), chosen?.recovery.startsWith(gives)]).toEqual([true, true]);
    }
  });

  it('is not offered where it cannot be had, and says why', () => {
    const one = sizeOf({ size: 'dev', overrides: { taskManagers: { min: 1, max: 1 } } });
    const { spread } = sideBySide(aCluster({ zone: 'b', size: one, spec: spec({ size: 'dev' }) }), 1);
    expect(spread).toMatchObject({ chosen: false, unavailable: expect.stringContaining('two TaskManager hosts at least'), zones: ['b'] });
  });

  it('has the times of warm capacity and of a stand-by where a cluster has them', () => {
    const placement = { failover: { capacity: 'warm' } };
    const { single, spread } = sideBySide(
      aCluster({ zone: 'b', size, spec: spec({ size: 'medium', placement, highAvailability: { standbyJobManager: true } }) }),
    );
    expect(single.recovery).toContain('6 to 10 s until new results.');
    expect(single.costs).toContain('The reserve (placement.failover.capacity) is 3 TaskManager hosts');
    expect(spread.recovery).toMatch(/the one that stands by in c leads on, and nothing moves\..*8 s until new results\.$/);
  });
});
