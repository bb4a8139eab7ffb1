import middy from '@middy/core';
import { artifacts, clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { firstCheckpoints } from '../../usecases/failover/first-checkpoints';

const deps = { artifacts: artifacts(), clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<TaskInput>) => firstCheckpoints(deps, operation, input)).use(
  workflow(taskInput, deps),
);
