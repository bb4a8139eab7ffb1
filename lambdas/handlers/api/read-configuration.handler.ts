import middy from '@middy/core';
import { artifacts, stage, store } from '../../composition/environment';
import { clusterPath } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { describeConfiguration } from '../../usecases/api/describe-configuration';

const deps = { artifacts: artifacts(), stage: stage(), store: store() };
const schemas = { path: clusterPath };

export const handler = middy(async ({ path }: ApiRequest<typeof schemas>) => ok(await describeConfiguration(deps, path.cluster))).use(
  api({ action: 'read-configuration', schemas }),
);
