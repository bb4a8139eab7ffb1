import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { jobPath, stopBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptStop } from '../../usecases/jobs/accept-stop';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: jobPath, body: stopBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptStop(deps, change, path, body.drain)),
).use(api({ action: 'stop-job', schemas }));
