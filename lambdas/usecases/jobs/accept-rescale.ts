import type { Operation } from '../../contracts/operation';
import { slotsOf } from '../clusters/slot-demands';
import type { AcceptDeps, ChangeRequest } from '../operations/accept';
import { acceptJobChange, refuse } from './accept-job-change';
import { parallelismProblems } from './job-request';

/** Changes the parallelism of a running job; capacity is provided first. @throws InvalidRequest when the largest fleet has not so many slots */
export const acceptRescale = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
  parallelism: number,
): Promise<Operation> =>
  acceptJobChange(deps, change, at, async (cluster, { spec }) => {
    refuse(parallelismProblems(parallelism, cluster));
    const { scaled } = spec;
    return { kind: 'rescale-job', parallelism, slotsBefore: slotsOf(spec), ...(scaled === undefined ? {} : { former: scaled }) };
  });
