import middy from '@middy/core';
import { alarms, clock, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { deleteAlarms } from '../../usecases/scaling/follow-alarms';

const deps = { alarms: alarms(), clock, stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => deleteAlarms(deps, operation)).use(workflow(taskInput, deps));
