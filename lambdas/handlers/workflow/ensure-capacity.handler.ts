import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type EnsureCapacityInput, ensureCapacityInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { ensureCapacity } from '../../usecases/clusters/ensure-capacity';

const deps = { clock, fleet: fleet(), store: store() };

export const handler = middy(({ operation, input }: Task<EnsureCapacityInput>) => ensureCapacity(deps, operation, input)).use(
  workflow(ensureCapacityInput, deps),
);
