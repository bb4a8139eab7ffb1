import type { OperationRequest } from '../../../lambdas/contracts/operation';
import { type DemandFor, slotDemands } from '../../../lambdas/usecases/clusters/slot-demands';
import { World } from '../../state-machines/support/world';

type Change = (world: World) => OperationRequest;
const rescale =
  (parallelism: number): Change =>
  () => ({ kind: 'rescale-job', parallelism });
const upgrade =
  (parallelism: number): Change =>
  (world) => ({ kind: 'upgrade-job', spec: world.sqlSpec(parallelism, 'other') });

/** With two jobs of parallelism 2 that run. @param ofOther what else is stored of `other` */
const twoJobs = async (ofOther: object = {}): Promise<World> => {
  const world = new World();
  await world.acceptLaunch();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING' }] });
  for (const name of ['delays', 'other']) {
    await world.acceptSubmission(world.sqlSpec(2, name));
    const { lease: _, ...job } = await world.job(name);
    world.store.seed({ jobs: [{ ...job, status: 'RUNNING', ...(name === 'other' ? ofOther : {}) }] });
  }
  return world;
};

/** Two jobs of parallelism 2: `delays`, rescaled to 3 by the operation that asks, and `other`, changed by another operation. */
const demands = async (purpose: DemandFor, change: Change, open: boolean) => {
  const world = await twoJobs();
  const own = await world.acceptChange({ kind: 'rescale-job', parallelism: 3 });
  const another = await world.acceptChange(change(world), 'other');
  if (!open) world.store.seed({ operations: [{ ...another, status: 'FAILED' }] });
  return Object.fromEntries((await slotDemands(world.store, own, purpose)).map(({ job, slots }) => [job, slots]));
};

test.each<[string, DemandFor, Change, boolean, { delays: number; other: number }]>([
  ['hosts for another job that is to be larger are not taken away', 'shrink', rescale(6), true, { delays: 2, other: 6 }],
  ['nor those for its larger version', 'shrink', upgrade(5), true, { delays: 2, other: 5 }],
  ['they are once that change has failed', 'shrink', rescale(6), false, { delays: 2, other: 2 }],
  ['hosts are made for both changes', 'grow', rescale(6), true, { delays: 3, other: 6 }],
  ['a job that is to be smaller counts until it is', 'grow', rescale(1), true, { delays: 3, other: 2 }],
  ['only the slots of the own change are waited for', 'wait', rescale(6), true, { delays: 3, other: 2 }],
])('%s', async (_, purpose, change, open, expected) => {
  expect(await demands(purpose, change, open)).toEqual(expected);
});

/** Two jobs of parallelism 2, and `other`, which had 4, at a state of its change. */
const demandsAt = async (purpose: DemandFor, change: Change, phase: string, previous: object = {}) => {
  const world = await twoJobs(previous);
  const { operationId, requestedAt } = await world.acceptChange(change(world), 'other');
  await world.store.recordPhase(operationId, { name: phase, startedAt: requestedAt, outcome: 'running', reason: '' });
  return Object.fromEntries(
    (await slotDemands(world.store, { cluster: 'flights', job: 'delays' }, purpose)).map(({ job, slots }) => [job, slots]),
  );
};
const smaller: Change = () => ({ kind: 'rescale-job', parallelism: 2, slotsBefore: 4 });
const had4 = { previousSpec: new World().sqlSpec(4, 'other') };

test.each<[string, DemandFor, Change, string, object, number]>([
  ['a job that a person made smaller keeps room for its way back', 'shrink', smaller, 'Look at the job', {}, 4],
  ['which others are not promised', 'grow', smaller, 'Look at the job', {}, 4],
  ['until it runs smaller', 'grow', smaller, 'Look for occupied slots', {}, 2],
  ['a smaller version keeps room for the version before', 'shrink', upgrade(2), 'Start new version', had4, 4],
  ['which others are not promised either', 'grow', upgrade(2), 'Start new version', had4, 4],
  ['but not for the one that was left by an upgrade before', 'grow', upgrade(2), 'Upload program', had4, 2],
])('%s (%s)', async (_, purpose, change, phase, previous, expected) => {
  expect(await demandsAt(purpose, change, phase, previous)).toEqual({ delays: 2, other: expected });
});
