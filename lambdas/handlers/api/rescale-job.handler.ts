import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { jobPath, rescaleBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptRescale } from '../../usecases/jobs/accept-rescale';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: jobPath, body: rescaleBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptRescale(deps, change, path, body.parallelism)),
).use(api({ action: 'rescale-job', schemas }));
