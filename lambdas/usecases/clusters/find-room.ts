import type { Operation } from '../../contracts/operation';
import type { Awaited_, FindRoomInput } from '../../contracts/workflow';
import { decideRoom, isLastCall } from '../../domain/interruption';
import { connect, type FlinkDeps, hostGoneAt, notYet, ownTarget } from '../operations/owned';

/** Whether the tasks of the hosts that go have slots elsewhere, or the time for waiting is over. */
export const findRoom = async (deps: FlinkDeps, operation: Operation, { hosts }: FindRoomInput): Promise<Awaited_> => {
  const flink = connect(deps.flink, await ownTarget(deps, operation));
  const workers = (await flink.listTaskManagers()).map(({ address, slotsTotal, slotsFree }) => ({
    address,
    slots: slotsTotal,
    free: slotsFree,
  }));
  const { ready, reason } = decideRoom(
    workers,
    hosts.flatMap(({ addresses }) => addresses),
  );
  if (ready) return { ready, reason };
  if (isLastCall(hostGoneAt(operation), deps.clock().toISOString())) return { ready: true, reason: `${reason}; EC2 takes the host now` };
  return notYet(operation, deps.clock, reason);
};
