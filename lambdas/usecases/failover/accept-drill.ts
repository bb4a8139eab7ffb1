import type { DrillBody } from '../../contracts/api';
import type { Operation } from '../../contracts/operation';
import type { ChangeRequest } from '../operations/accept';
import { acceptCopyDrill, type CopyDrillDeps, type CopyDrillWish } from './accept-copy-drill';
import { acceptFailover, type FailoverWish } from './accept-failover';

export type DrillWish = Pick<DrillBody, 'on' | 'mode'> & CopyDrillWish & Pick<FailoverWish, 'onlyWhenFree'>;

/** Rehearses the loss of a cluster's zone: on the running cluster, unless a copy is wished. @throws as `acceptFailover` and `acceptCopyDrill` do */
export const acceptDrill = (deps: CopyDrillDeps, change: ChangeRequest, cluster: string, wish: DrillWish): Promise<Operation> => {
  const { on, mode = 'planned', jobs, ...common } = wish;
  return on === 'copy'
    ? acceptCopyDrill(deps, change, cluster, { ...common, jobs })
    : acceptFailover(deps, change, cluster, { ...common, mode, drill: true });
};
