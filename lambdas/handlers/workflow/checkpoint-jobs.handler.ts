import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { checkpointJobs } from '../../usecases/jobs/checkpoint-jobs';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<TaskInput>) => checkpointJobs(deps, operation, input)).use(
  workflow(taskInput, deps),
);
