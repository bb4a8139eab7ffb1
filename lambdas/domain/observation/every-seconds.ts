import type { Cluster } from '../../contracts/cluster';
import type { Stage } from '../../contracts/stage';

/** How often a cluster is observed, seconds. */
export const everySeconds = ({ stage }: { readonly stage: Pick<Stage, 'observation'> }, { spec }: Pick<Cluster, 'spec'>): number =>
  spec.observation?.intervalSeconds ?? stage.observation.intervalSeconds;
