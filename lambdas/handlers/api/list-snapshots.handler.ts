import middy from '@middy/core';
import { artifacts, clock, stage, store } from '../../composition/environment';
import { jobPath, pageQuery } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { listSnapshots } from '../../usecases/state/list-snapshots';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store() };
const schemas = { path: jobPath, query: pageQuery };

export const handler = middy(async ({ path, query }: ApiRequest<typeof schemas>) =>
  ok(await listSnapshots(deps, path.cluster, path.job, query)),
).use(api({ action: 'list-snapshots', schemas }));
