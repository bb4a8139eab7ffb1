import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { type ChooseHostsInput, chooseHostsInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { chooseHosts } from '../../usecases/clusters/choose-hosts';

const deps = { clock, fleet: fleet(), store: store() };

export const handler = middy(({ operation, input }: Task<ChooseHostsInput>) => chooseHosts(deps, operation, input)).use(
  workflow(chooseHostsInput, deps),
);
