import middy from '@middy/core';
import { artifacts, clock, flink, store } from '../../composition/environment';
import { type TaskInput, taskInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { uploadArtifact } from '../../usecases/jobs/upload-artifact';

const deps = { artifacts: artifacts(), clock, flink: flink(), store: store() };

export const handler = middy(({ operation }: Task<TaskInput>) => uploadArtifact(deps, operation)).use(workflow(taskInput, deps));
