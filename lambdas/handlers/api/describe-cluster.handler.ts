import middy from '@middy/core';
import { clock, flink, stage, store } from '../../composition/environment';
import { clusterPath } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { describeCluster } from '../../usecases/api/describe-cluster';

/** A person waits for the answer: what Flink has not said by then is left out. */
const LIVE_LIMIT_MS = 2_000;
const deps = { clock, flink: flink(LIVE_LIMIT_MS), stage: stage(), store: store() };
const schemas = { path: clusterPath };

export const handler = middy(async ({ path }: ApiRequest<typeof schemas>) => ok(await describeCluster(deps, path.cluster))).use(
  api({ action: 'describe-cluster', schemas }),
);
