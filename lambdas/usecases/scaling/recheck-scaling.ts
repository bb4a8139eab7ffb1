import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { decideScaling } from '../../domain/scaling/decide-scaling';
import { recheck } from '../../domain/scaling/recheck';
import { settingsOf } from '../../domain/scaling/settings';
import type { KafkaMetricsPort } from '../../gateways/aws/kafka-metrics.port';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import { ownJob, type StoreDeps } from '../operations/owned';
import { readKafka } from './read-kafka';
import { keptDecision } from './scale-job';

/** Whether the decision still holds by the newest observation. `plan`: `go`, or `nothing`. */
export const recheckScaling = async (
  deps: StoreDeps & { readonly observations: ObservationStorePort; readonly kafkaMetrics: KafkaMetricsPort; readonly clock: Clock },
  operation: Operation,
): Promise<TaskAnswer & { readonly plan: string }> => {
  const { cluster, job } = await ownJob(deps, operation);
  const decided = await keptDecision(deps.observations, operation);
  const record = await deps.observations.latest(cluster.name, job.name);
  if (!job.spec.scaling?.enabled) return { plan: 'nothing', reason: `Job ${job.name} does not scale by itself any more` };
  if (!record || record.jobEpoch !== job.epoch) return { plan: 'nothing', reason: `Epoch ${job.epoch} of the job was not observed` };
  const [history, kafka] = await Promise.all([deps.observations.history(cluster.name, job.name), readKafka(deps, job)]);
  // Capacity as it was granted: what others took since is for the fleet to say.
  const { fleet } = decided.inputs.observed;
  const newest = decideScaling(
    { job: record.observation, fleet, state: record.scalingState, history: [...history], forecast: record.forecast, ...kafka },
    settingsOf(job.spec.scaling, cluster.size),
    deps.clock().toISOString(),
  );
  const { go, reason } = recheck(decided, newest);
  return { plan: go ? 'go' : 'nothing', reason };
};
