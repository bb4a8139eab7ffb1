import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { giveBack } from '../../usecases/clusters/give-back';

const deps = { clock, store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => giveBack(deps, operation)).use(workflow(taskInput, deps));
