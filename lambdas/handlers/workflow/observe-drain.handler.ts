import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type ObserveDrainInput, observeDrainInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { observeDrain } from '../../usecases/clusters/observe-drain';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<ObserveDrainInput>) => observeDrain(deps, operation, input)).use(
  workflow(observeDrainInput, deps),
);
