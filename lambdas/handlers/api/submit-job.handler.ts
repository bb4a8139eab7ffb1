import middy from '@middy/core';
import { artifacts, clock, stage, store, workflows } from '../../composition/environment';
import { clusterPath, submitJobBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptSubmission } from '../../usecases/jobs/accept-submission';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: clusterPath, body: submitJobBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptSubmission(deps, change, path.cluster, body)),
).use(api({ action: 'submit-job', schemas }));
