import middy from '@middy/core';
import { clock, flink, store } from '../../composition/environment';
import { type WithdrawJobInput, withdrawJobInput } from '../../contracts/workflow';
import { type Task, workflow } from '../../middleware/workflow';
import { withdrawJob } from '../../usecases/jobs/withdraw-job';

const deps = { clock, flink: flink(), store: store() };

export const handler = middy(({ operation, input }: Task<WithdrawJobInput>) => withdrawJob(deps, operation, input)).use(
  workflow(withdrawJobInput, deps),
);
