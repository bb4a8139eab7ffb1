import * as z from 'zod';
import { clock, observationTable, stage, store, workflows } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { log } from '../../middleware/log';
import { settleFleets } from '../../usecases/clusters/settle-fleets';
import { considerDrills } from '../../usecases/failover/consider-drills';
import { considerFailBacks } from '../../usecases/failover/consider-fail-back';
import { considerReserves } from '../../usecases/failover/consider-reserves';
import { retryFailovers } from '../../usecases/failover/retry-failovers';
import { type Swept, sweepOperations } from '../../usecases/operations/sweep-operations';

const deps = { clock, fleet: fleet(), observations: observationTable(), stage: stage(), store: store(), workflows: workflows() };

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html; the name of an execution is its operation's id. */
const executionEnded = z.object({
  source: z.literal('aws.states'),
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({ name: z.string(), status: z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']) }),
});

/** Every minute for all operations, for hosts that nobody wants, for moves that have failed, for clusters that are to go home, for drills and for reserves, and at the end of an execution for its own. */
export const handler = async (event: unknown): Promise<readonly Swept[]> => {
  const ended = executionEnded.safeParse(event);
  const swept = await sweepOperations(deps, ended.success ? ended.data.detail.name : undefined);
  for (const { reason, ...fields } of swept) log('WARN', { message: reason, ...fields });
  if (ended.success) return swept;
  for (const { reason, ...fields } of await settleFleets(deps)) log('WARN', { message: reason, ...fields });
  const moves = [...(await retryFailovers(deps)), ...(await considerFailBacks(deps)), ...(await considerDrills(deps))];
  for (const { reason, ...fields } of moves) log(fields.action === 'move' ? 'WARN' : 'INFO', { message: reason, ...fields });
  // Behind them: a move that begins now takes what stands by.
  for (const { reason, ...fields } of await considerReserves(deps)) log('INFO', { message: reason, ...fields });
  return swept;
};
