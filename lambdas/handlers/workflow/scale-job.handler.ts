import middy from '@middy/core';
import { clock, flink, observations, store } from '../../composition/environment';
import { type ScaleJobInput, scaleJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { scaleJob } from '../../usecases/scaling/scale-job';

const deps = { clock, flink: flink(), observations: observations(), store: store() };

export const handler = middy(({ operation, input }: Task<ScaleJobInput>) => scaleJob(deps, operation, input)).use(
  workflow(scaleJobInput, deps),
);
