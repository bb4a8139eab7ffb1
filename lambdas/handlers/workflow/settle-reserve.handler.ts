import middy from '@middy/core';
import { clock, store } from '../../composition/environment';
import { type SettleReserveInput, settleReserveInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { settleReserve } from '../../usecases/failover/settle-reserve';

const deps = { clock, store: store() };

export const handler = middy(({ operation, input }: Task<SettleReserveInput>) => settleReserve(deps, operation, input)).use(
  workflow(settleReserveInput, deps),
);
