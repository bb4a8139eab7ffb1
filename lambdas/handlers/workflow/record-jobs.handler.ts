import middy from '@middy/core';
import { clock, flink, observationTable, stage, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { recordJobs } from '../../usecases/jobs/record-jobs';

const deps = { clock, flink: flink(), observations: observationTable(), stage: stage(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => recordJobs(deps, operation)).use(workflow(taskInput, deps));
