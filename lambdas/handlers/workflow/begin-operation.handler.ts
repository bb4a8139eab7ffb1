import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { beginOperation } from '../../usecases/operations/begin-operation';

const deps = { clock, store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => beginOperation(deps, operation)).use(workflow(taskInput, deps));
