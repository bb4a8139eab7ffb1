import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { takeOver } from '../../usecases/take-over';

/** What is lost does not answer, and records wait meanwhile. */
const OLD_JOBMANAGER_LIMIT_MS = 1_500;
const deps = { clock, flink: flink(OLD_JOBMANAGER_LIMIT_MS), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => takeOver(deps, operation)).use(workflow(taskInput, deps));
