import * as z from 'zod';
import { clock, metrics, observationTable, stage, store, workflows } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { throwFailures } from '../../middleware/failures';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { settleFleets } from '../../usecases/clusters/settle-fleets';
import { considerDrills } from '../../usecases/failover/consider-drills';
import { considerFailBacks } from '../../usecases/failover/consider-fail-back';
import { considerReserves } from '../../usecases/failover/consider-reserves';
import { considerShifts } from '../../usecases/failover/consider-shifts';
import { retryFailovers } from '../../usecases/failover/retry-failovers';
import { type Swept, sweepOperations } from '../../usecases/operations/sweep-operations';

const told = ({ reason, ...fields }: Swept): void => log('WARN', { message: reason, ...fields });

const deps = {
  told,
  clock,
  fleet: fleet(),
  metrics: metrics(),
  observations: observationTable(),
  stage: stage(),
  store: store(),
  workflows: workflows(),
};

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html; the name of an execution is its operation's id. */
const executionEnded = z.object({
  source: z.literal('aws.states'),
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({ name: z.string(), status: z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']) }),
});

type Looked = Promise<readonly { readonly reason: string; readonly action?: string }[]>;

/** What is looked at each minute behind the operations, the most urgent first. A move that begins takes what stands by, so reserves come last. */
const LOOKS: readonly ((given: typeof deps) => Looked)[] = [
  retryFailovers,
  considerShifts,
  settleFleets,
  considerFailBacks,
  considerDrills,
  considerReserves,
  // The event of its launch has done it for a host long before, most often.
  ({ fleet: hosts }) => hosts.giveAddresses(),
];

/**
 * Every minute for all operations, for moves that have failed, for clusters in zones that AWS shifts traffic away from, for hosts that nobody wants, for clusters that
 * are to go home, for drills, for reserves and for hosts that lack addresses, and at the end of an execution for its own. What fails keeps nothing else waiting; it is
 * thrown at the end, and the second time a dead letter, on which an alarm rings.
 */
export const handler = timed(async (event: unknown): Promise<readonly Swept[]> => {
  const ended = executionEnded.safeParse(event);
  if (ended.success) return sweepOperations(deps, ended.data.detail.name);
  const failures: unknown[] = [];
  const failed = (error: unknown): readonly never[] => {
    failures.push(error);
    return [];
  };
  const swept = await sweepOperations(deps).catch(failed);
  for (const look of LOOKS)
    for (const { reason, ...fields } of await look(deps).catch(failed)) {
      if (fields.action === 'failed') failures.push(new Error(reason));
      log(fields.action === 'failed' ? 'ERROR' : fields.action === 'hold' ? 'INFO' : 'WARN', { message: reason, ...fields });
    }
  throwFailures(failures);
  return swept;
});
