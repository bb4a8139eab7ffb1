import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { clusterPath, terminateQuery } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptTermination } from '../../usecases/clusters/accept-termination';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: clusterPath, query: terminateQuery };

export const handler = middy(async ({ path, query, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptTermination(deps, change, path.cluster, query.jobs)),
).use(api({ action: 'terminate-cluster', schemas }));
