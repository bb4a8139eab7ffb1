import { createHash } from 'node:crypto';
import type { DrillBody } from '../../../lambdas/contracts/api';
import type { Cluster, ClusterSpec } from '../../../lambdas/contracts/cluster';
import type { Job, StoredJobSpec } from '../../../lambdas/contracts/job';
import type { JobRecord } from '../../../lambdas/contracts/observation';
import type { FailoverTrigger, Operation, OperationRequest } from '../../../lambdas/contracts/operation';
import { jobObservation } from '../../../lambdas/contracts/scaling';
import type { Stage } from '../../../lambdas/contracts/stage';
import { deadlineSecondsOf } from '../../../lambdas/domain/deadlines';
import { flinkJobIdOf } from '../../../lambdas/domain/flink-job-id';
import { leaseUntil } from '../../../lambdas/domain/lease';
import { acceptDrill } from '../../../lambdas/usecases/failover/accept-drill';
import { acceptFailover, type FailoverWish, takeOverCluster } from '../../../lambdas/usecases/failover/accept-failover';
import { considerReserves, type ReserveConsidered } from '../../../lambdas/usecases/failover/consider-reserves';
import { type Considered, considerScaling } from '../../../lambdas/usecases/scaling/consider-scaling';
import { putState } from '../../fakes/checkpoint-metadata';
import { createFakeAlarms, type FakeAlarms } from '../../fakes/fake-alarms';
import { createFakeArtifacts, type FakeArtifacts } from '../../fakes/fake-artifacts';
import { createFakeFleet, type FakeFleet, type FakeFleetOptions } from '../../fakes/fake-fleet';
import { FakeFlink, type StateKept, VERTEX } from '../../fakes/fake-flink';
import { createFakeKafkaMetrics, type FakeKafkaMetrics } from '../../fakes/fake-kafka-metrics';
import { createFakeObservations, type FakeObservations } from '../../fakes/fake-observations';
import { createFakeStore, type FakeStore } from '../../fakes/fake-store';
import { createFakeVolumes, type FakeVolumes } from '../../fakes/fake-volumes';
import { createFakeWorkflows, type FakeWorkflows } from '../../fakes/fake-workflows';

/** What happens at one call of one port. `after`: the effect takes place and the answer is lost. `by`: somebody else is called instead. */
export type Fault = { readonly error: Error; readonly when: 'before' | 'after' } | { readonly by: object };
export type FaultPlan = (call: { readonly index: number; readonly port: string; readonly method: string }) => Fault | undefined;

export const STAGE: Stage = {
  name: 'test',
  account: '000000000000',
  region: 'us-east-1',
  vpcId: 'vpc-1',
  vpcCidr: '127.64.0.0/16',
  zones: ['us-east-1a', 'us-east-1b', 'us-east-1c'].map((name, index) => ({ name, subnetId: `subnet-${index + 1}` })),
  flinkClientSecurityGroupId: 'sg-f',
  prefixLists: [],
  streamSources: [],
  baseLaunchTemplates: { x86_64: 'lt-x', arm64: 'lt-a' },
  nodeRolePath: '/sluice/test/',
  nodePermissionsBoundaryArn: 'arn:aws:iam::000000000000:policy/b',
  kmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/k',
  tableName: 'sluice-test',
  artifactBucket: 'artifacts',
  stateBucket: 'state',
  stateMachineArnPrefix: 'arn:aws:states:us-east-1:000000000000:stateMachine:sluice-test-',
  nodeBundle: { bucket: 'assets', key: 'node.zip' },
  flinkVersions: ['2.3.0'],
  sizes: {} as Stage['sizes'],
  limits: { maxTaskManagersPerCluster: 100, maxClusters: 10 },
  flinkConfiguration: {},
  alarms: { runbook: 'docs/runbook.md', periodSeconds: 60 },
  retention: { count: 10, days: 30 },
  observation: { intervalSeconds: 30, perVertex: false },
  deadlines: { launchSeconds: 600, submitSeconds: 300, savepointSeconds: 300, rescaleSeconds: 300, terminateSeconds: 600 },
};

export const SIZE: Cluster['size'] = {
  instanceType: 'c5.large',
  vcpus: 2,
  hostMemoryMiB: 4_096,
  architecture: 'x86_64',
  peakGbps: 10,
  stateVolume: { kind: 'gp3', sizeGB: 50 },
  jobManager: { instanceType: 'c5.large', alternatives: ['c6i.large', 'm5.large'], memoryMiB: 1_024 },
  taskManagersPerHost: 1,
  taskManagerMemoryMiB: 2_048,
  slotsPerTaskManager: 2,
  taskManagers: { min: 1, max: 4 },
  defaultParallelism: 2,
  spareSlots: 0,
};

export const SCRIPT = 'INSERT INTO sink SELECT * FROM source;';
const START = Date.parse('2026-03-01T12:00:00.000Z');

/** A Flink of which one can see in S3 what it completes. */
export class FlinkOnS3 extends FakeFlink {
  constructor(
    private readonly artifacts: FakeArtifacts,
    storage: Set<string>,
  ) {
    super({ taskManagers: 0, slotsPerTaskManager: SIZE.slotsPerTaskManager, storage });
    this.reachable = false;
  }

  /** Also what somebody else has put there. */
  protected override isStored(location: string): boolean {
    return super.isStored(location) || this.artifacts.uris().includes(`${location}/_metadata`);
  }

  protected override keep(state: StateKept, told: () => void): void {
    putState(this.artifacts, state.location, { checkpointId: state.checkpointId, files: [{ path: 'state', sizeBytes: 10 }] });
    super.keep(state, told);
  }
}

/** Records a second, and the share of time that they take. */
export interface Load {
  readonly read: number;
  readonly busy: number;
  readonly waiting?: number;
  readonly growth?: number;
  /** Flink does not say what waits. */
  readonly silent?: true;
  readonly job?: object;
}

/** Everything outside the use cases, in memory: the table, AWS and one Flink whose TaskManagers are the hosts that run. */
export class World {
  now = START;
  readonly clock = (): Date => new Date(this.now);
  readonly store: FakeStore = createFakeStore(this.clock);
  readonly fleet: FakeFleet;
  readonly volumes: FakeVolumes = createFakeVolumes(this.clock);
  readonly artifacts: FakeArtifacts = createFakeArtifacts(this.clock);
  readonly alarms: FakeAlarms = createFakeAlarms();
  readonly kafkaMetrics: FakeKafkaMetrics = createFakeKafkaMetrics();
  readonly workflows: FakeWorkflows = createFakeWorkflows();
  /** Every checkpoint and savepoint that is complete. */
  protected readonly storage = new Set<string>();
  /** The JobManager that was connected to for the first time last: after a failover the new one. */
  flink = this.newFlink();
  /** JobManagers by address; each host that takes over an address is a new process of it. */
  readonly jobManagers = new Map<string, FakeFlink>();
  /** Zones whose hosts answer nobody, whatever EC2 says of them. */
  readonly lostZones = new Set<string>();
  readonly observations: FakeObservations = createFakeObservations(this.clock);
  /** Hosts that run while their JobManager stands still, by id. */
  readonly hungHosts = new Set<string>();
  /** false: the JobManager never answers, whatever its host does. */
  jobManagerStarts = true;
  /** false: no node follows its tags, as on a hypervisor that does not show them while an instance runs. */
  nodesSeeTags = true;
  faults: FaultPlan = () => undefined;
  /** Called before every call of a port. */
  onCall: (port: string, method: string) => void = () => undefined;
  calls = 0;
  private operations = 0;

  constructor(fleet: FakeFleetOptions = {}) {
    this.fleet = createFakeFleet({ now: this.clock, ...fleet });
  }

  protected newFlink(): FakeFlink {
    return Object.assign(new FlinkOnS3(this.artifacts, this.storage), { now: () => this.clock().toISOString() });
  }

  /** The JobManager at an address. The first one is there before it has an address, so that a test can say how it behaves. */
  jobManagerAt(address: string): FakeFlink {
    const known = this.jobManagers.get(address);
    if (known) return known;
    const next = this.jobManagers.size === 0 ? this.flink : this.newFlink();
    next.behaviour = this.flink.behaviour;
    next.warmUp = this.flink.warmUp;
    this.jobManagers.set(address, next);
    this.flink = next;
    return next;
  }

  /** The JobManager that a job of the world was started on first. */
  firstFlink(): FakeFlink {
    const [first] = this.jobManagers.values();
    return first ?? this.flink;
  }

  /** What answers at the addresses of a cluster's JobManagers: which of two leads makes no difference to what is asked. */
  flinkAt(addresses: readonly string[]): FakeFlink {
    return this.jobManagerAt(addresses[0] as string);
  }

  /** One of the ports above, with the planned faults. */
  port<T extends object>(name: string, target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value = Reflect.get(object, key) as unknown;
        if (typeof key !== 'string' || typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const index = this.calls++;
          this.onCall(name, key);
          const fault = this.faults({ index, port: name, method: key });
          if (fault && 'by' in fault) return (Reflect.get(fault.by, key) as (...given: unknown[]) => unknown).apply(fault.by, args);
          if (fault?.when === 'before') throw fault.error;
          const answer = (await value.apply(object, args)) as unknown;
          if (fault) throw fault.error;
          return answer;
        };
      },
    });
  }

  /** Time passes, and the machines go on meanwhile. */
  async pause(seconds: number): Promise<void> {
    this.now += seconds * 1_000;
    for (const cluster of (await this.store.clusters({ limit: 100 })).items) {
      const reserve = cluster.reserve ? [cluster.reserve.resources] : [];
      for (const resources of [...(cluster.former ?? []).map((one) => one.resources), ...reserve, cluster.resources]) {
        if (resources.jobManagerAddress === undefined) continue;
        const seen = await this.fleet.observe(resources);
        const running = seen.hosts.filter((host) => host.state === 'running' && !this.lostZones.has(host.zone));
        const flink = this.jobManagerAt(resources.jobManagerAddress);
        flink.reachable =
          this.jobManagerStarts && running.some((host) => host.role === 'jobmanager' && !this.hungHosts.has(host.instanceId));
        const workers = running.filter((host) => host.role === 'taskmanager' && !(this.nodesSeeTags && host.marks?.drain));
        const before = flink.addresses.join();
        flink.taskManagers = workers.length;
        flink.addresses = workers.map((host) => host.address ?? '');
        if (flink.addresses.join() !== before) flink.slotsChanged();
        if ((cluster.former || cluster.copyOf) && resources === cluster.resources) await this.completeCheckpoints(cluster.name, flink);
      }
    }
  }

  /** What runs after a failover, or on a copy, completes a checkpoint soon. */
  private async completeCheckpoints(cluster: string, flink: FakeFlink): Promise<void> {
    if (!flink.reachable) return;
    for (const { flinkJobId, name, state } of await flink.jobs())
      if (state === 'RUNNING') flink.completeCheckpoint(flinkJobId, `s3://state/clusters/${cluster}/jobs/${name}/checkpoints`);
  }

  operation(request: OperationRequest, job?: string, requestedBy = 'arn:aws:iam::000000000000:user/anna'): Operation {
    this.operations += 1;
    const requestedAt = this.clock().toISOString();
    return {
      operationId: `op-${String(this.operations).padStart(26, 'a')}`,
      kind: request.kind,
      cluster: 'flights',
      ...(job === undefined ? {} : { job }),
      request,
      status: 'PENDING',
      requestedBy,
      requestedAt,
      deadline: new Date(this.now + deadlineSecondsOf(request, STAGE.deadlines) * 1_000).toISOString(),
      phases: [],
      reason: 'Accepted',
    } as Operation;
  }

  /** @param change of the cluster */
  async acceptLaunch(
    change: {
      readonly zones?: string[];
      readonly avoidedZones?: string[];
      readonly spec?: Partial<ClusterSpec>;
      readonly capacity?: ClusterSpec['placement']['failover']['capacity'];
    } = {},
  ): Promise<Operation> {
    const operation = this.operation({ kind: 'launch-cluster' });
    const at = operation.requestedAt;
    const cluster = {
      name: 'flights',
      spec: {
        name: 'flights',
        provider: 'ec2',
        size: 'dev',
        overrides: {},
        network: { allowSlow: false },
        purchase: { spotPercent: 0 },
        flinkConfiguration: {},
        placement: { mode: 'single-zone', failover: { automatic: true, objectiveSeconds: 120, capacity: change.capacity ?? 'cold' } },
        tags: {},
        ...change.spec,
      },
      ...(change.zones ? { zones: change.zones } : {}),
      ...(change.avoidedZones ? { avoidedZones: change.avoidedZones } : {}),
      size: SIZE,
      flinkVersion: '2.3.0',
      zone: 'us-east-1a',
      status: 'LAUNCHING',
      desired: 'RUNNING',
      epoch: 1,
      lease: { operationId: operation.operationId, acquiredAt: at, until: leaseUntil(operation.deadline) },
      resources: { taskManagerGroups: [], launchTemplateIds: [] },
      statusReason: '',
      createdAt: at,
      updatedAt: at,
    } as Cluster;
    await this.store.acceptLaunch(operation, cluster);
    return operation;
  }

  async acceptTermination(jobs: 'savepoint' | 'cancel' = 'savepoint'): Promise<Operation> {
    const operation = this.operation({ kind: 'terminate-cluster', jobs });
    await this.store.acceptTermination(operation);
    return operation;
  }

  async acceptFailover(
    wish: { readonly mode?: 'planned' | 'lost'; readonly zone?: string; readonly trigger?: FailoverTrigger; readonly drill?: boolean } = {},
  ): Promise<Operation> {
    const cluster = await this.cluster();
    const { trigger = { kind: 'person' as const, evidence: 'a test wants it' } } = wish;
    const mode = wish.mode === undefined ? {} : { mode: wish.mode };
    const zone = wish.zone ?? 'us-east-1b';
    const { status, zone: where, epoch, standing } = cluster.reserve ?? {};
    const reserve = status === 'ready' && where === zone ? { reserve: epoch, reserveHosts: standing } : {};
    const about = { ...mode, ...reserve, trigger, ...(wish.drill ? { drill: true } : {}) };
    const operation = this.operation({ kind: 'fail-over-cluster', from: cluster.zone, zone, ...about });
    const accepted = await takeOverCluster(this.store, operation, cluster);
    if (accepted.outcome !== 'created') throw new Error(`not accepted: ${JSON.stringify(accepted)}`);
    return operation;
  }

  /** @throws what the use case throws */
  failOverInstead(insteadOf: string | undefined, wish: Pick<FailoverWish, 'zone' | 'mode'> = {}): Promise<Operation> {
    const { clock, store, workflows } = this;
    const { operationId, requestedBy } = this.operation({ kind: 'launch-cluster' });
    const change = { operationId, requestedBy, requestHash: 'a'.repeat(64) };
    const trigger = { kind: 'person' as const, evidence: 'a test wants it' };
    return acceptFailover({ clock, store, workflows, stage: STAGE }, change, 'flights', { ...wish, insteadOf, trigger });
  }

  /** @throws what the use case throws */
  acceptCopyDrill(wish: Pick<DrillBody, 'zone' | 'jobs'> = {}, stage = STAGE): Promise<Operation> {
    const { artifacts, clock, store, workflows } = this;
    const { operationId, requestedBy } = this.operation({ kind: 'launch-cluster' });
    const trigger = { kind: 'drill' as const, evidence: 'a test wants it' };
    const deps = { artifacts, clock, store, workflows, stage };
    return acceptDrill(deps, { operationId, requestedBy, requestHash: 'a'.repeat(64) }, 'flights', { ...wish, on: 'copy' }, trigger);
  }

  /** The hosts of a zone answer nobody any more, and EC2 has nothing to give there. */
  loseZone(zone: string): void {
    this.lostZones.add(zone);
    this.fleet.zonesWithoutCapacity.add(zone);
    this.flink.reachable = false;
  }

  async acceptReplacement(instanceId: string, goneAt?: string): Promise<Operation> {
    const notice = goneAt === undefined ? 'rebalance' : 'interruption';
    const operation = this.operation({ kind: 'replace-host', instanceId, epoch: 1, notice, ...(goneAt === undefined ? {} : { goneAt }) });
    const { outcome } = await this.store.acceptReplacement(operation, 1);
    if (outcome !== 'created') throw new Error(`not accepted: ${outcome}`);
    return operation;
  }

  sqlSpec(parallelism: number, name = 'delays'): StoredJobSpec {
    return {
      name,
      program: this.scriptOf('delays', SCRIPT),
      parallelism,
      flinkConfiguration: {},
      restore: { from: 'latest', allowNonRestoredState: false },
    };
  }

  scriptOf(job: string, script: string): StoredJobSpec['program'] {
    const program = { kind: 'sql', uri: `s3://state/clusters/flights/jobs/${job}/scripts/x.sql`, sha256: hashOf(script) } as const;
    this.artifacts.put(program.uri, script);
    return program;
  }

  jarSpec(parallelism: number, content = 'jar', name = 'delays'): StoredJobSpec {
    const uri = `s3://artifacts/${content}.jar`;
    this.artifacts.put(uri, content);
    const program: StoredJobSpec['program'] = { kind: 'jar', uri, sha256: hashOf(content), arguments: [] };
    return { name, program, parallelism, flinkConfiguration: {}, restore: { from: 'latest', allowNonRestoredState: false } };
  }

  async acceptSubmission(spec: StoredJobSpec): Promise<Operation> {
    const operation = this.operation({ kind: 'submit-job' }, spec.name);
    const at = operation.requestedAt;
    const previous = await this.store.job('flights', spec.name);
    const epoch = (previous?.epoch ?? 0) + 1;
    const job: Job = {
      cluster: 'flights',
      name: spec.name,
      spec,
      revision: (previous?.revision ?? 0) + 1,
      epoch,
      flinkJobId: flinkJobIdOf({ cluster: 'flights', clusterEpoch: 1, job: spec.name, jobEpoch: epoch }),
      status: 'SUBMITTING',
      desired: 'RUNNING',
      statusReason: '',
      lease: { operationId: operation.operationId, acquiredAt: at, until: leaseUntil(operation.deadline) },
      ...(previous?.latestSavepoint === undefined ? {} : { latestSavepoint: previous.latestSavepoint }),
      createdAt: at,
      updatedAt: at,
    };
    const accepted = await this.store.acceptJobChange(operation, job, previous);
    if (accepted.outcome !== 'created') throw new Error(`not accepted: ${JSON.stringify(accepted)}`);
    return operation;
  }

  async acceptChange(request: OperationRequest, name = 'delays'): Promise<Operation> {
    const operation = this.operation(request, name);
    if (request.kind === 'stop-job' && request.mode === 'cancel') {
      await this.store.acceptCancellation(operation);
      return operation;
    }
    const previous = await this.store.job('flights', name);
    if (!previous) throw new Error('there is no job');
    const lease = { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
    const accepted = await this.store.acceptJobChange(operation, { ...previous, lease }, previous);
    if (accepted.outcome !== 'created') throw new Error(`not accepted: ${JSON.stringify(accepted)}`);
    return operation;
  }

  /** What a pass of observation saw of the job: one vertex, with the given figures a second. */
  async observe(load: Load, name = 'delays'): Promise<JobRecord> {
    const job = await this.job(name);
    const at = this.clock().toISOString();
    const seen = await this.flink.job(job.flinkJobId);
    const observation = jobObservation.parse({
      cluster: 'flights',
      job: name,
      observedAt: at,
      windowSeconds: 10,
      state: 'RUNNING',
      vertices: [
        {
          id: VERTEX,
          name: 'Source -> Sink',
          inputs: [],
          parallelism: seen?.parallelism ?? job.spec.parallelism,
          maxParallelism: 128,
          recordsIn: load.read,
          recordsOut: load.read,
          busy: { mean: load.busy, worst: load.busy },
          backpressured: { mean: 0, worst: 0 },
          idle: { mean: 1 - load.busy, worst: 1 - load.busy },
          ...(load.silent ? {} : { pendingRecords: load.waiting ?? 0, pendingRecordsGrowth: load.growth ?? 0 }),
        },
      ],
      restarts: 0,
      checkpoints: { consecutiveFailures: 0, latestAgeSeconds: 5, durationSeconds: 1 },
      taskManagers: { cpuLoad: 0.5, gcShare: 0.01, heapAfterGcShare: 0.3 },
      ...load.job,
    });
    const record: JobRecord = {
      cluster: 'flights',
      job: name,
      jobEpoch: job.epoch,
      flinkJobId: job.flinkJobId,
      observedAt: at,
      observation,
      counters: { at, restarts: 0, restartsOfHosts: { known: 0, open: 0 }, taskManagers: {}, vertices: {}, sources: {}, heap: [] },
      scalingState: { outSince: null, needed: [], loads: [] },
      forecast: [],
    };
    this.observations.seed(record);
    return record;
  }

  /** What an alarm, or a pass of observation, does. */
  consider(trigger = 'alarm lag', name = 'delays'): Promise<Considered> {
    const { clock, fleet, kafkaMetrics, observations, store, workflows } = this;
    return considerScaling(
      { clock, fleet, kafkaMetrics, observations, store, workflows, stage: STAGE },
      { cluster: 'flights', job: name },
      trigger,
    );
  }

  /** What the sweeper does about hosts that are to stand by. */
  considerReserves(): Promise<readonly ReserveConsidered[]> {
    const { clock, fleet, store, workflows } = this;
    return considerReserves({ clock, fleet, store, workflows, stage: STAGE });
  }

  async job(name = 'delays'): Promise<Job> {
    const job = await this.store.job('flights', name);
    if (!job) throw new Error(`there is no job ${name}`);
    return { lease: undefined, ...job };
  }

  async cluster(): Promise<Cluster> {
    const cluster = await this.store.cluster('flights');
    if (!cluster) throw new Error('there is no cluster');
    return { lease: undefined, ...cluster };
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
