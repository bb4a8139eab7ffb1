import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { jobsRestored } from '../../usecases/failover/jobs-restored';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => jobsRestored(deps, operation)).use(workflow(taskInput, deps));
