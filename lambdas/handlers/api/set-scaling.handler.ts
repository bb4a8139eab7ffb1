import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { jobPath, scalingBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptScaling } from '../../usecases/scaling/accept-scaling';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: jobPath, body: scalingBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptScaling(deps, change, path, body)),
).use(api({ action: 'set-scaling', schemas }));
