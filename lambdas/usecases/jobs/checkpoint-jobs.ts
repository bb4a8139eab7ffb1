import type { Operation } from '../../contracts/operation';
import type { Awaited_, TaskInput } from '../../contracts/workflow';
import { lastCheckpointUntil } from '../../domain/deadlines';
import { isLastCall } from '../../domain/interruption';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, hostGoneAt, notYet, ownTarget } from '../operations/owned';
import { triggerIdOf } from './savepoints';

/**
 * A checkpoint of every job that runs on the cluster, so that what comes next costs as little processing as can be. One a phase and job, however often it is
 * asked. A job that does not run, or whose checkpoint fails, is no reason to wait: it goes on from an earlier one.
 */
export const checkpointJobs = async (deps: FlinkDeps, operation: Operation, input: TaskInput): Promise<Awaited_> => {
  const flink = connect(deps.flink, await ownTarget(deps, operation));
  const running = (await flink.jobs()).filter(({ state }) => state === 'RUNNING');
  const seen = await Promise.all(
    running.map(async ({ flinkJobId, name }) => {
      const triggerId = triggerIdOf(`${operation.operationId}/${input.phase}`, flinkJobId);
      return { name, ...(await askOnce(flink, flinkJobId, triggerId)) };
    }),
  );
  const described = seen.map(({ name, says }) => `${name}: ${says}`).join('; ') || 'no job runs';
  const now = deps.clock().toISOString();
  const waits = seen.some((one) => one.waits) && !isLastCall(hostGoneAt(operation), now);
  if (waits && operation.kind === 'replace-host' && now > lastCheckpointUntil(begunAt(operation)))
    return { ready: true, reason: `${described}; it is not waited for any longer` };
  return waits ? notYet(operation, deps.clock, described) : { ready: true, reason: described };
};

const begunAt = ({ phases, requestedAt }: Operation): string =>
  phases.find(({ name }) => name === 'Begin replacement')?.endedAt ?? requestedAt;

const askOnce = async (flink: FlinkPort, flinkJobId: string, triggerId: string): Promise<{ waits: boolean; says: string }> => {
  const state = await flink.checkpoint(flinkJobId, triggerId);
  switch (state.state) {
    case 'unknown':
      await flink.triggerCheckpoint(flinkJobId, triggerId);
      return { waits: true, says: 'Flink was asked for a checkpoint' };
    case 'in-progress':
      return { waits: true, says: 'the checkpoint is under way' };
    case 'completed':
      return { waits: false, says: `checkpoint ${state.id} is complete` };
    case 'failed':
      return { waits: false, says: `no checkpoint: ${state.reason}` };
  }
};
