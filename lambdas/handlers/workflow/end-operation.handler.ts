import middy from '@middy/core';
import { clock, metrics, store } from '../../composition/environment';
import { type EndOperationInput, endOperationInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { endOperation } from '../../usecases/operations/end-operation';

const deps = { clock, metrics: metrics(), store: store() };

export const handler = middy(({ operation, input }: Task<EndOperationInput>) => endOperation(deps, operation, input)).use(
  workflow(endOperationInput, { ...deps, evenIfEnded: true }),
);
