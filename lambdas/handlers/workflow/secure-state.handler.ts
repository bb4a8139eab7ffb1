import middy from '@middy/core';
import { clock, flink, stage, store } from '../../composition/environment';
import { type SecureStateInput, secureStateInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { secureState } from '../../usecases/failover/secure-state';

/** What is lost does not answer, and records wait meanwhile. */
const OLD_JOBMANAGER_LIMIT_MS = 1_500;
const deps = { clock, flink: flink(OLD_JOBMANAGER_LIMIT_MS), stage: stage(), store: store() };

export const handler = middy(({ operation, input }: Task<SecureStateInput>) => secureState(deps, operation, input)).use(
  workflow(secureStateInput, deps),
);
