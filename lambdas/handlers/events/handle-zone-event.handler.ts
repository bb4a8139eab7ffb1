import { clock, stage, store, workflows } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { launchFailedEvent, zoneShiftEvent } from '../../contracts/events';
import { throwFailures } from '../../middleware/failures';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import type { Considered } from '../../usecases/failover/begin-move';
import { handleLaunchFailure, handleZoneShift } from '../../usecases/failover/consider-failover';

const deps = { clock, fleet: fleet(), stage: stage(), store: store(), workflows: workflows() };

const LEVELS = { move: 'WARN', drill: 'WARN', replace: 'WARN', leave: 'INFO', hold: 'INFO', failed: 'ERROR' } as const;

/** What is neither of the two events is said and forgotten: trying it again would not make it one. */
export const handler = timed(async (event: unknown): Promise<readonly Considered[]> => {
  const shift = zoneShiftEvent.safeParse(event);
  const failed = launchFailedEvent.safeParse(event);
  if (!shift.success && !failed.success) log('WARN', { message: 'Neither a zone shift nor a failed launch' });
  const considered = shift.success
    ? await handleZoneShift(deps, shift.data)
    : failed.success
      ? await handleLaunchFailure(deps, failed.data.detail)
      : [];
  for (const { reason, ...fields } of considered) log(LEVELS[fields.action], { message: reason, ...fields });
  throwFailures(considered.flatMap(({ action, reason }) => (action === 'failed' ? [new Error(reason)] : [])));
  return considered;
});
