/**
 * The API's routes: the one list that API Gateway's routes (`lib/`), the handlers and the OpenAPI document are made from.
 * `handler` is the file name under `lambdas/handlers/api/` without `.handler.ts`.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As API Gateway and OpenAPI write it. */
  readonly path: string;
  readonly handler: string;
  /** What the route does, as the document says it. */
  readonly summary: string;
  /** `vpc`: also asks the cluster's Flink, so it must run beside it. `none`: calls AWS APIs only. */
  readonly network: 'vpc' | 'none';
}

export const ROUTES = [
  { method: 'POST', path: '/clusters', handler: 'create-cluster', summary: 'Launch a cluster', network: 'none' },
  { method: 'GET', path: '/clusters', handler: 'list-clusters', summary: 'List clusters', network: 'none' },
  {
    method: 'GET',
    path: '/clusters/{cluster}',
    handler: 'describe-cluster',
    summary: 'Describe a cluster, as stored and as Flink sees it now',
    network: 'vpc',
  },
  {
    method: 'PATCH',
    path: '/clusters/{cluster}',
    handler: 'change-cluster',
    summary: 'Change settings of a cluster by a JSON merge patch (RFC 7396), without touching what runs',
    network: 'none',
  },
  {
    method: 'DELETE',
    path: '/clusters/{cluster}',
    handler: 'terminate-cluster',
    summary: 'Stop the jobs of a cluster and take it away',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/failover',
    handler: 'fail-over-cluster',
    summary: 'Move a cluster and its jobs to another zone',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/drills',
    handler: 'drill-cluster',
    summary: 'Rehearse the loss of a zone: move the running cluster, and report where the time went',
    network: 'none',
  },
  {
    method: 'GET',
    path: '/clusters/{cluster}/configuration',
    handler: 'read-configuration',
    summary: 'Read the Flink configuration of a cluster, with reasons',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs',
    handler: 'submit-job',
    summary: 'Submit a jar or a SQL script as a job',
    network: 'none',
  },
  { method: 'GET', path: '/clusters/{cluster}/jobs', handler: 'list-jobs', summary: 'List the jobs of a cluster', network: 'none' },
  {
    method: 'GET',
    path: '/clusters/{cluster}/jobs/{job}',
    handler: 'describe-job',
    summary: 'Describe a job, as stored and as Flink sees it now',
    network: 'vpc',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs/{job}/stop',
    handler: 'stop-job',
    summary: 'Stop a job with a savepoint',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs/{job}/cancel',
    handler: 'cancel-job',
    summary: 'Cancel a job without a savepoint',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs/{job}/savepoints',
    handler: 'take-savepoint',
    summary: 'Take a savepoint of a running job',
    network: 'none',
  },
  {
    method: 'GET',
    path: '/clusters/{cluster}/jobs/{job}/snapshots',
    handler: 'list-snapshots',
    summary: 'List the savepoints and checkpoints of a job, and which of them can be restored',
    network: 'none',
  },
  {
    method: 'DELETE',
    path: '/clusters/{cluster}/jobs/{job}/snapshots/{snapshot}',
    handler: 'delete-snapshot',
    summary: 'Delete a savepoint or checkpoint that no job needs, and those of its files that no other needs',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs/{job}/upgrade',
    handler: 'upgrade-job',
    summary: 'Change the program or the settings of a job and restore its state',
    network: 'none',
  },
  {
    method: 'POST',
    path: '/clusters/{cluster}/jobs/{job}/rescale',
    handler: 'rescale-job',
    summary: 'Change the parallelism of a running job',
    network: 'none',
  },
  {
    method: 'PUT',
    path: '/clusters/{cluster}/jobs/{job}/scaling',
    handler: 'set-scaling',
    summary: 'Say how a running job scales by itself, without a restart',
    network: 'none',
  },
  {
    method: 'GET',
    path: '/clusters/{cluster}/operations',
    handler: 'list-operations',
    summary: 'List the operations of a cluster and its jobs',
    network: 'none',
  },
  {
    method: 'GET',
    path: '/clusters/{cluster}/operations/{operation}',
    handler: 'describe-operation',
    summary: 'Follow an operation',
    network: 'none',
  },
  { method: 'GET', path: '/openapi.json', handler: 'read-openapi', summary: 'Read this document', network: 'none' },
] as const satisfies readonly Route[];

export type HandlerName = (typeof ROUTES)[number]['handler'];
