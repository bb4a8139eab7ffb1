import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { volumes } from '../../composition/volumes';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { snapshotVolumes } from '../../usecases/state/snapshot-volumes';

const deps = { clock, store: store(), volumes: volumes() };

export const handler = middy(({ operation }: Task<TaskInput>) => snapshotVolumes(deps, operation)).use(workflow(taskInput, deps));
