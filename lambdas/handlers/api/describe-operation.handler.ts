import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { operationPath } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { describeOperation } from '../../usecases/api/list-resources';

const deps = { clock, store: store() };
const schemas = { path: operationPath };

export const handler = middy(async ({ path }: ApiRequest<typeof schemas>) =>
  ok(await describeOperation(deps, path.cluster, path.operation)),
).use(api({ action: 'describe-operation', schemas }));
