import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { jobPath, pageQuery } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { listSavepoints } from '../../usecases/list-resources';

const deps = { clock, store: store() };
const schemas = { path: jobPath, query: pageQuery };

export const handler = middy(async ({ path, query }: ApiRequest<typeof schemas>) =>
  ok(await listSavepoints(deps, path.cluster, path.job, query)),
).use(api({ action: 'list-savepoints', schemas }));
