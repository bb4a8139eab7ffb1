import { Conflict } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { openTermination, requireCluster } from '../operations/in-the-way';

/** @param jobs what becomes of running jobs. @throws NotFound; Conflict when it is terminated or being terminated */
export const acceptTermination = (
  deps: AcceptDeps,
  change: ChangeRequest,
  name: string,
  jobs: 'savepoint' | 'cancel',
): Promise<Operation> =>
  accept(deps, change, async () => {
    const cluster = await requireCluster(deps.store, name);
    if (cluster.status === 'TERMINATED') throw new Conflict(`Cluster ${name} is terminated already`);
    if (cluster.desired === 'TERMINATED') {
      const open = await openTermination(deps, cluster);
      // Without one the last termination has failed, and another may try.
      if (open) throw new Conflict(`Cluster ${name} is being terminated already`, open);
    }
    const operation = newOperation(deps, change, name, undefined, { kind: 'terminate-cluster', jobs });
    return { operation, write: () => deps.store.acceptTermination(operation) };
  });
