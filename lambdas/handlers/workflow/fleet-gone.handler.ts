import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { fleetGone } from '../../usecases/clusters/delete-fleet';

const deps = { clock, fleet: fleet(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => fleetGone(deps, operation)).use(workflow(taskInput, deps));
