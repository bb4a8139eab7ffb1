import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { emptyBody, jobPath } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptCancellation } from '../../usecases/jobs/accept-cancellation';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: jobPath, body: emptyBody };

export const handler = middy(async ({ path, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptCancellation(deps, change, path)),
).use(api({ action: 'cancel-job', schemas }));
