import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type RescaleJobInput, rescaleJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { rescaleJob } from '../../usecases/jobs/rescale-job';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<RescaleJobInput>) => rescaleJob(deps, operation, input)).use(
  workflow(rescaleJobInput, deps),
);
