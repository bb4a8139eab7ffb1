import type { Operation } from '../contracts/operation';
import type { BusyHosts } from '../contracts/workflow';
import { connect, type FlinkDeps, ownJob } from './owned';

/** Addresses of the TaskManagers that have an occupied slot: their hosts must stay. */
export const listBusyHosts = async (deps: FlinkDeps, operation: Operation): Promise<BusyHosts> => {
  const { cluster } = await ownJob(deps, operation, 'cleaning');
  if (cluster.desired === 'TERMINATED') return { addresses: [], reason: 'The cluster is to be terminated, its hosts with it' };
  const taskManagers = await connect(deps.flink, cluster).listTaskManagers();
  const busy = taskManagers.filter((taskManager) => taskManager.slotsFree < taskManager.slotsTotal);
  return {
    addresses: [...new Set(busy.map((taskManager) => taskManager.address))],
    reason: `${busy.length} of ${taskManagers.length} TaskManagers have an occupied slot`,
  };
};
