import middy from '@middy/core';
import { clock, stage, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { observeFleet } from '../../usecases/clusters/observe-fleet';

const deps = { clock, fleet: fleet(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => observeFleet(deps, operation)).use(workflow(taskInput, deps));
