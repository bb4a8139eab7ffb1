import middy from '@middy/core';
import { clock, flink, observationTable, stage, store } from '../../composition/environment';
import { jobPath } from '../../contracts/api';
import { api, ok } from '../../middleware/api';
import type { ApiRequest } from '../../middleware/api-request';
import { describeJob } from '../../usecases/api/describe-job';

/** A person waits for the answer: what Flink has not said by then is left out. */
const LIVE_LIMIT_MS = 2_000;
const deps = { clock, flink: flink(LIVE_LIMIT_MS), observations: observationTable(), stage: stage(), store: store() };
const schemas = { path: jobPath };

export const handler = middy(async ({ path }: ApiRequest<typeof schemas>) => ok(await describeJob(deps, path.cluster, path.job))).use(
  api({ action: 'describe-job', schemas }),
);
