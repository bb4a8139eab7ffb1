import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { cancelJob } from '../../usecases/jobs/cancel-job';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => cancelJob(deps, operation)).use(workflow(taskInput, deps));
