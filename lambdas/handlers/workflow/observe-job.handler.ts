import middy from '@middy/core';
import { clock, flink, stage, store } from '../../composition/environment';
import { type ObserveJobInput, observeJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { observeJob } from '../../usecases/jobs/observe-job';

const deps = { clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation, input }: Task<ObserveJobInput>) => observeJob(deps, operation, input)).use(
  workflow(observeJobInput, deps),
);
