import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { clusterPath, failoverBody } from '../../contracts/api';
import { accepted, api } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { acceptFailover } from '../../usecases/failover/accept-failover';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };
const schemas = { path: clusterPath, body: failoverBody };

export const handler = middy(async ({ path, body, change }: ApiRequest<typeof schemas>) => {
  const trigger = { kind: 'person' as const, evidence: body.reason ?? `asked for by ${change.requestedBy}`.slice(0, 500) };
  const { zone, mode, insteadOf } = body;
  return accepted(await acceptFailover(deps, change, path.cluster, { zone, mode, insteadOf, trigger }));
}).use(api({ action: 'fail-over-cluster', schemas }));
