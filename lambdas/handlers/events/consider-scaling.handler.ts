import * as z from 'zod';
import { clock, kafkaMetrics, observations, stage, store, workflows } from '../../composition/environment';
import { fleetObserver } from '../../composition/fleet';
import { resourceName } from '../../contracts/names';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { type Considered, considerScaling } from '../../usecases/scaling/consider-scaling';

const deps = {
  clock,
  fleet: fleetObserver(),
  kafkaMetrics: kafkaMetrics(),
  observations: observations(),
  stage: stage(),
  store: store(),
  workflows: workflows(),
};

/** From a pass of observation that found a reason to ask. */
const request = z.object({ cluster: resourceName, job: resourceName, trigger: z.string().min(1).max(200) });

export const handler = timed(async (event: unknown): Promise<Considered> => {
  const { trigger, ...at } = request.parse(event);
  const considered = await considerScaling(deps, at, trigger);
  log('INFO', { message: considered.reason, ...at, trigger, outcome: considered.outcome, operationId: considered.operationId });
  return considered;
});
