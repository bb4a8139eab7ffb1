import middy from '@middy/core';
import { artifacts, clock, stage, store } from '../../composition/environment';
import { snapshotPath } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { deleteSnapshot } from '../../usecases/state/delete-snapshot';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store() };
const schemas = { path: snapshotPath };

export const handler = middy(async ({ path }: ApiRequest<typeof schemas>) => ok(await deleteSnapshot(deps, path))).use(
  api({ action: 'delete-snapshot', schemas }),
);
