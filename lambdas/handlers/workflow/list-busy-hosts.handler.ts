import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { listBusyHosts } from '../../usecases/clusters/list-busy-hosts';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => listBusyHosts(deps, operation)).use(workflow(taskInput, deps));
