import middy from '@middy/core';
import { clock, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { takeOver } from '../../usecases/failover/take-over';

const deps = { clock, stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => takeOver(deps, operation)).use(workflow(taskInput, deps));
