import middy from '@middy/core';
import { artifacts, clock, flink, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { observeSavepoint } from '../../usecases/jobs/savepoints';

const deps = { artifacts: artifacts(), clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => observeSavepoint(deps, operation)).use(workflow(taskInput, deps));
