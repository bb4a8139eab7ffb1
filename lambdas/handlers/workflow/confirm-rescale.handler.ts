import middy from '@middy/core';
import { clock, flink, observations, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { confirmRescale } from '../../usecases/scaling/scale-job';

const deps = { clock, flink: flink(), observations: observations(), store: store() };

export const handler = middy(({ operation, input }: Task<TaskInput>) => confirmRescale(deps, operation, input)).use(
  workflow(taskInput, deps),
);
