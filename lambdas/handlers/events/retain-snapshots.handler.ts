import { artifacts, clock, stage, store } from '../../composition/environment';
import { log } from '../../middleware/log';
import { retainAllSnapshots } from '../../usecases/retain-snapshots';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store() };

/** Leaves a minute of the function's time for what is under way. */
const TIME_MS = 14 * 60_000;

/** Every few hours, for all clusters. */
export const handler = async (): Promise<void> => {
  for await (const { reason, ...fields } of retainAllSnapshots(deps, TIME_MS)) log('INFO', { message: reason, ...fields });
};
