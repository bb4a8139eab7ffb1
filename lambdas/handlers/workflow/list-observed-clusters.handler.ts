import { stage, store } from '../../composition/environment';
import { timed } from '../../middleware/timed';
import { listObservedClusters } from '../../usecases/scaling/list-observed-clusters';

const deps = { stage: stage(), store: store() };

/** Every minute: which clusters are observed, and how often. */
export const handler = timed(() => listObservedClusters(deps));
