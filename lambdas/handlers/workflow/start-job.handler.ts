import middy from '@middy/core';
import { artifacts, clock, flink, stage, store } from '../../composition/environment';
import { type StartJobInput, startJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { startJob } from '../../usecases/jobs/start-job';

const deps = { artifacts: artifacts(), clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation, input }: Task<StartJobInput>) => startJob(deps, operation, input)).use(
  workflow(startJobInput, deps),
);
