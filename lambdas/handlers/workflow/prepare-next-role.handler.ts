import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { prepareNextRole } from '../../usecases/clusters/prepare-next-role';

const deps = { clock, fleet: fleet(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => prepareNextRole(deps, operation)).use(workflow(taskInput, deps));
