import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { type EndOperationInput, endOperationInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { endOperation } from '../../usecases/operations/end-operation';

const deps = { clock, store: store() };

export const handler = middy(({ operation, input }: Task<EndOperationInput>) => endOperation(deps, operation, input)).use(
  workflow(endOperationInput, { ...deps, evenIfEnded: true }),
);
