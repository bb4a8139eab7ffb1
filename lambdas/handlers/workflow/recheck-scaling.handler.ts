import middy from '@middy/core';
import { clock, kafkaMetrics, observations, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { recheckScaling } from '../../usecases/scaling/recheck-scaling';

const deps = { clock, kafkaMetrics: kafkaMetrics(), observations: observations(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => recheckScaling(deps, operation)).use(workflow(taskInput, deps));
