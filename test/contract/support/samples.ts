import { type Cluster, NO_RESOURCES, type Reserve } from '../../../lambdas/contracts/cluster';
import type { Job } from '../../../lambdas/contracts/job';
import type { Operation } from '../../../lambdas/contracts/operation';
import type { FleetSpec } from '../../../lambdas/gateways/aws/fleet.port';

let counter = 0;
/** An operation id not used before in this test process. */
export const newOperationId = (): string => `op-${Date.now().toString(36).padStart(10, '0')}${String(++counter).padStart(16, '0')}`;

/** An instant `seconds` after a fixed one. */
export const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();

export const aCluster = (change: Partial<Cluster> = {}): Cluster => {
  const name = change.name ?? 'flights';
  return {
    name,
    spec: {
      name,
      provider: 'ec2',
      size: 'dev',
      overrides: {},
      network: { allowSlow: false },
      purchase: { spotPercent: 0 },
      flinkConfiguration: {},
      placement: { mode: 'single-zone', failover: { automatic: true, objectiveSeconds: 120, capacity: 'cold' } },
      tags: { team: 'delays' },
    },
    size: {
      instanceType: 'c5.large',
      vcpus: 2,
      hostMemoryMiB: 4_096,
      architecture: 'x86_64',
      peakGbps: 10,
      baselineGbps: 0.75,
      stateVolume: { kind: 'gp3', sizeGB: 50 },
      jobManager: { instanceType: 'c5.large', memoryMiB: 1_024 },
      taskManagersPerHost: 2,
      taskManagerMemoryMiB: 1_300,
      slotsPerTaskManager: 2,
      taskManagers: { min: 2, max: 4 },
      defaultParallelism: 4,
      spareSlots: 0,
    },
    flinkVersion: '2.3.0',
    zone: 'us-east-1a',
    status: 'RUNNING',
    desired: 'RUNNING',
    epoch: 1,
    resources: NO_RESOURCES,
    statusReason: 'All slots are registered',
    createdAt: at(0),
    updatedAt: at(0),
    ...change,
  };
};

export const aJob = (change: Partial<Job> = {}): Job => {
  const name = change.name ?? 'delays';
  return {
    cluster: 'flights',
    name,
    spec: {
      name,
      program: { kind: 'sql', uri: 's3://artifacts/scripts/delays.sql', sha256: 'a'.repeat(64) },
      parallelism: 2,
      flinkConfiguration: { 'execution.checkpointing.interval': '10 s' },
      restore: { from: 'latest', allowNonRestoredState: false },
    },
    revision: 1,
    epoch: 1,
    flinkJobId: 'b'.repeat(32),
    status: 'RUNNING',
    desired: 'RUNNING',
    statusReason: 'All tasks are running',
    createdAt: at(0),
    updatedAt: at(0),
    ...change,
  };
};

export const anOperation = (change: Partial<Operation> = {}): Operation => ({
  operationId: newOperationId(),
  kind: 'submit-job',
  cluster: 'flights',
  job: 'delays',
  request: { kind: 'submit-job' },
  status: 'PENDING',
  requestedBy: 'arn:aws:iam::000000000000:user/ada',
  requestedAt: at(0),
  deadline: at(600),
  phases: [],
  reason: 'Accepted',
  ...change,
});

export const aLease = (operationId: string, from = 0, seconds = 60) => ({ operationId, acquiredAt: at(from), until: at(from + seconds) });

export const aReserve = (change: Partial<Reserve> = {}): Reserve => ({
  epoch: 2,
  zone: 'us-east-1b',
  status: 'making',
  since: at(0),
  hosts: 1,
  failures: 0,
  reason: 'it lacks one',
  resources: NO_RESOURCES,
  ...change,
});

let fleets = 0;
/** A fleet of a cluster not used before in this test process, in one zone. */
export const aFleetSpec = (change: Partial<FleetSpec> = {}): FleetSpec => {
  const cluster = change.cluster ?? `c${++fleets}`;
  return {
    cluster,
    epoch: 1,
    zone: 'us-east-1a',
    zones: [change.zone ?? 'us-east-1a'],
    size: aCluster().size,
    spotPercent: 0,
    configurationPrefix: `clusters/${cluster}/e1/config/`,
    flinkVersion: '2.3.0',
    tags: { team: 'delays' },
    ...change,
  };
};
