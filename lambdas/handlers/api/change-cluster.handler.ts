import middy from '@middy/core';
import { clock, instanceFacts, stage, store, workflows } from '../../composition/environment';
import { changeClusterBody, clusterPath } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptClusterChange } from '../../usecases/clusters/accept-cluster-change';

const deps = { clock, instanceFacts: instanceFacts(), stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: clusterPath, body: changeClusterBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptClusterChange(deps, change, path.cluster, body)),
).use(api({ action: 'change-cluster', schemas }));
