import middy from '@middy/core';
import { clock, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { nextZone } from '../../usecases/failover/next-zone';

const deps = { clock, stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => nextZone(deps, operation)).use(workflow(taskInput, deps));
