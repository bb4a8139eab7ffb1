import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type DrainHostsInput, drainHostsInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { drainHosts } from '../../usecases/clusters/drain-hosts';

const deps = { clock, fleet: fleet(), store: store() };

export const handler = middy(({ operation, input }: Task<DrainHostsInput>) => drainHosts(deps, operation, input)).use(
  workflow(drainHostsInput, deps),
);
