import middy from '@middy/core';
import { artifacts, clock, stage, store } from '../../composition/environment';
import { fleetEnd } from '../../composition/fleet';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { fenceFormer } from '../../usecases/failover/fence-former';

const deps = { artifacts: artifacts(), clock, fleet: fleetEnd(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => fenceFormer(deps, operation)).use(workflow(taskInput, deps));
