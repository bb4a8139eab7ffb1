import { clock, flink, flinkMetrics, metrics, observationTable, stage, store } from '../../composition/environment';
import { type PassMade, passInput } from '../../contracts/observer';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { observeFlink } from '../../usecases/scaling/observe-flink';

const deps = {
  clock,
  flink: flink(),
  flinkMetrics: flinkMetrics(),
  metrics: metrics(),
  observations: observationTable(),
  stage: stage(),
  store: store(),
};

/** One pass over one cluster. */
export const handler = timed(async (event: unknown): Promise<PassMade> => {
  const pass = await observeFlink(deps, passInput.parse(event).cluster);
  log('INFO', { message: pass.reason, cluster: pass.cluster, consider: pass.consider.length === 0 ? undefined : pass.consider });
  return pass;
});
