import { clock, stage, store, workflows } from '../../composition/environment';
import { fleetObserver } from '../../composition/fleet';
import { passInput } from '../../contracts/observer';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import type { Considered } from '../../usecases/failover/begin-move';
import { considerFault } from '../../usecases/failover/consider-failover';

const deps = { clock, fleet: fleetObserver(), stage: stage(), store: store(), workflows: workflows() };

/** From a pass of observation that has found something wrong with a cluster for a while. */
export const handler = timed(async (event: unknown): Promise<Considered> => {
  const considered = await considerFault(deps, passInput.parse(event).cluster);
  const { reason, ...fields } = considered;
  log(fields.action === 'hold' ? 'INFO' : 'WARN', { message: reason, ...fields });
  return considered;
});
