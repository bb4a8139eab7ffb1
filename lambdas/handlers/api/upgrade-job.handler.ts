import middy from '@middy/core';
import { artifacts, clock, stage, store, workflows } from '../../composition/environment';
import { jobPath, upgradeBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptUpgrade } from '../../usecases/jobs/accept-upgrade';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: jobPath, body: upgradeBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) =>
  accepted(await acceptUpgrade(deps, change, path, body)),
).use(api({ action: 'upgrade-job', schemas }));
