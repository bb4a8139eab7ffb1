import middy from '@middy/core';
import { clock, instanceFacts, stage, store, workflows } from '../../composition/environment';
import { createClusterBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptLaunch } from '../../usecases/clusters/accept-launch';

const deps = { clock, instanceFacts: instanceFacts(), stage: stage(), store: store(), workflows: workflows() };
const schemas = { body: createClusterBody };

export const handler = middy(async ({ body, change }: ApiRequest<typeof schemas>) => accepted(await acceptLaunch(deps, change, body))).use(
  api({ action: 'create-cluster', schemas }),
);
