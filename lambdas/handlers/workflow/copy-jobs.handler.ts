import middy from '@middy/core';
import { artifacts, clock, flink, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { copyJobs } from '../../usecases/failover/copy-jobs';

const deps = { artifacts: artifacts(), clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => copyJobs(deps, operation)).use(workflow(taskInput, deps));
