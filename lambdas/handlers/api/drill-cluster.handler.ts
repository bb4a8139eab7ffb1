import middy from '@middy/core';
import { artifacts, clock, stage, store, workflows } from '../../composition/environment';
import { clusterPath, drillBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptDrill } from '../../usecases/failover/accept-drill';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: clusterPath, body: drillBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) => {
  const trigger = { kind: 'drill' as const, evidence: `a drill, asked for by ${change.requestedBy}`.slice(0, 500) };
  return accepted(await acceptDrill(deps, change, path.cluster, body, trigger));
}).use(api({ action: 'drill-cluster', schemas }));
