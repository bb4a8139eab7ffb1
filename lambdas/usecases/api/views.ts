import type { ClusterView, JobView, OperationView } from '../../contracts/api';
import type { Cluster, Lease } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Clock } from '../../domain/clock';
import { HIDDEN, isSecret } from '../../domain/flink-settings-policy';
import type { Page } from '../../gateways/aws/store.port';
import { heldLease } from '../operations/in-the-way';

export const operationHref = (cluster: string, operationId: string): string => `/clusters/${cluster}/operations/${operationId}`;

export const operationView = ({ requestHash: _, ...operation }: Operation): OperationView => ({
  ...operation,
  request:
    operation.request.kind === 'upgrade-job' ? { ...operation.request, spec: withoutSecrets(operation.request.spec) } : operation.request,
  href: operationHref(operation.cluster, operation.operationId),
});

export const clusterView = ({ lease, home, turn: _, heldShift: __, ...cluster }: Cluster, clock: Clock): ClusterView => ({
  ...cluster,
  // What was found of the home zone while the cluster was elsewhere.
  ...(home === undefined || cluster.zone === cluster.spec.zone ? {} : { home }),
  spec: withoutSecrets(cluster.spec),
  ...underWay(cluster.name, lease, clock),
});

/** Who may read a cluster need not be who may know the passwords that its settings hold. */
const withoutSecrets = <T extends { readonly flinkConfiguration: Readonly<Record<string, string>> }>(spec: T): T => ({
  ...spec,
  flinkConfiguration: Object.fromEntries(
    Object.entries(spec.flinkConfiguration).map(([key, value]) => [key, isSecret(key) ? HIDDEN : value]),
  ),
});

export const jobView = ({ lease, jarId: _, startAsked: __, ...job }: Job, clock: Clock): JobView => ({
  ...job,
  spec: withoutSecrets(job.spec),
  ...(job.previousSpec === undefined ? {} : { previousSpec: withoutSecrets(job.previousSpec) }),
  ...underWay(job.cluster, lease, clock),
});

export const pageView = <T, V>({ items, next }: Page<T>, view: (item: T) => V): Page<V> => ({
  items: items.map(view),
  ...(next === undefined ? {} : { next }),
});

const underWay = (cluster: string, lease: Lease | undefined, clock: Clock): Pick<ClusterView, 'operation'> => {
  const held = heldLease(lease, clock);
  return held ? { operation: { operationId: held.operationId, href: operationHref(cluster, held.operationId) } } : {};
};
