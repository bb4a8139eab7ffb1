import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { clusterPath, pageQuery } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { listOperations } from '../../usecases/api/list-resources';

const deps = { clock, store: store() };
const schemas = { path: clusterPath, query: pageQuery };

export const handler = middy(async ({ path, query }: ApiRequest<typeof schemas>) =>
  ok(await listOperations(deps, path.cluster, query)),
).use(api({ action: 'list-operations', schemas }));
