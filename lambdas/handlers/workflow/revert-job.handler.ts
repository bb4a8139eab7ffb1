import middy from '@middy/core';
import { artifacts, clock, flink, stage, store } from '../../composition/environment';
import { type RevertJobInput, revertJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { revertJob } from '../../usecases/jobs/revert-job';

const deps = { artifacts: artifacts(), clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation, input }: Task<RevertJobInput>) => revertJob(deps, operation, input)).use(
  workflow(revertJobInput, deps),
);
