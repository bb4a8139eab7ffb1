import middy from '@middy/core';
import { artifacts, clock, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { writeConfiguration } from '../../usecases/clusters/write-configuration';

const deps = { artifacts: artifacts(), clock, stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => writeConfiguration(deps, operation)).use(workflow(taskInput, deps));
