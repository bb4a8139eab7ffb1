import { artifacts, clock, stage, store } from '../../composition/environment';
import { volumes } from '../../composition/volumes';
import { throwFailures } from '../../middleware/failures';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { retainAllSnapshots } from '../../usecases/state/retain-snapshots';
import { retainVolumeSnapshots } from '../../usecases/state/snapshot-volumes';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store(), volumes: volumes() };

/** Leaves a minute of the function's time for what is under way. */
const TIME_MS = 14 * 60_000;

const retainState = async (timeMs: number): Promise<void> => {
  for await (const { reason, ...fields } of retainAllSnapshots(deps, timeMs)) log('INFO', { message: reason, ...fields });
};

const retainVolumes = async (): Promise<void> => {
  const deleted = await retainVolumeSnapshots(deps);
  if (deleted.length > 0) log('INFO', { message: `${deleted.length} EBS snapshots were deleted`, deleted });
};

/** Every few hours, for all clusters. */
export const handler = timed(async (): Promise<void> => {
  const began = deps.clock().getTime();
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  await retainVolumes().catch(failed);
  await retainState(TIME_MS - (deps.clock().getTime() - began)).catch(failed);
  throwFailures(failures);
});
