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

/** Two jobs of parallelism 2: `delays`, rescaled to 3 by the operation that asks, and `other`, changed by another operation. */
const demands = async (purpose: DemandFor, change: Change, open: boolean) => {
  const world = new World();
  await world.acceptLaunch();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING' }] });
  for (const name of ['delays', 'other']) {
    await world.acceptSubmission(world.sqlSpec(2, name));
    const { lease: _, ...job } = await world.job(name);
    world.store.seed({ jobs: [{ ...job, status: 'RUNNING' }] });
  }
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
