import middy from '@middy/core';
import { clock, flink, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { triggerSavepoint } from '../../usecases/jobs/savepoints';

const deps = { clock, flink: flink(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => triggerSavepoint(deps, operation)).use(workflow(taskInput, deps));
