import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { pageQuery } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { listClusters } from '../../usecases/api/list-resources';

const deps = { clock, store: store() };
const schemas = { query: pageQuery };

export const handler = middy(async ({ query }: ApiRequest<typeof schemas>) => ok(await listClusters(deps, query))).use(
  api({ action: 'list-clusters', schemas }),
);
