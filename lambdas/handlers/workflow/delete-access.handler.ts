import middy from '@middy/core';
import { artifacts, clock, stage, store } from '../../composition/environment';
import { fleetEnd } from '../../composition/fleet';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { deleteAccess } from '../../usecases/clusters/delete-fleet';

const deps = { artifacts: artifacts(), clock, fleet: fleetEnd(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => deleteAccess(deps, operation)).use(workflow(taskInput, deps));
