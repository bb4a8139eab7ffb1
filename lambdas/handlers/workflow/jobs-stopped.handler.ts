import middy from '@middy/core';
import { artifacts, clock, flink, stage, store } from '../../composition/environment';
import { type StopJobsInput, stopJobsInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { jobsStopped } from '../../usecases/jobs/stop-jobs';

const deps = { artifacts: artifacts(), clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation, input }: Task<StopJobsInput>) => jobsStopped(deps, operation, input)).use(
  workflow(stopJobsInput, deps),
);
