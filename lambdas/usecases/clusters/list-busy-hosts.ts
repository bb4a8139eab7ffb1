import type { Operation } from '../../contracts/operation';
import type { BusyHosts } from '../../contracts/workflow';
import { connect, type FlinkDeps, ownTarget } from '../operations/owned';

/** How many slots of each TaskManager are free, and the addresses of those that have an occupied one: their hosts must stay. */
export const listBusyHosts = async (deps: FlinkDeps, operation: Operation): Promise<BusyHosts> => {
  const cluster = await ownTarget(deps, operation, 'cleaning');
  const seenAt = deps.clock().toISOString();
  if (cluster.desired === 'TERMINATED')
    return { seenAt, addresses: [], workers: [], reason: 'The cluster is to be terminated, its hosts with it' };
  const taskManagers = await connect(deps.flink, cluster).listTaskManagers();
  const busy = taskManagers.filter((taskManager) => taskManager.slotsFree < taskManager.slotsTotal);
  return {
    seenAt,
    addresses: [...new Set(busy.map((taskManager) => taskManager.address))],
    workers: taskManagers.map(({ address, slotsTotal, slotsFree }) => ({ address, slots: slotsTotal, free: slotsFree })),
    reason: `${busy.length} of ${taskManagers.length} TaskManagers have an occupied slot`,
  };
};
