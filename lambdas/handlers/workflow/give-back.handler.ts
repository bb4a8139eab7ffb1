import middy from '@middy/core';
import { clock, stage, store, workflows } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { giveBack } from '../../usecases/clusters/give-back';

const deps = { clock, stage: stage(), store: store(), workflows: workflows() };

export const handler = middy(({ operation }: Task<TaskInput>) => giveBack(deps, operation)).use(workflow(taskInput, deps));
