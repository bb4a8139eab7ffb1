import type { ResolvedSize } from '../../lambdas/contracts/cluster';
import { renderConfiguration } from '../../lambdas/domain/flink-config';

/**
 * How Flink is configured. All run the same job under the same supervisor, which starts a dead process again at once. `standby` is `sluice`
 * with a second JobManager, which differs only in what happens when the first is lost.
 */
export type Variant = 'sluice' | 'standby' | 'plain' | 'operator';

export const isOwn = (variant: Variant): variant is 'sluice' | 'standby' => variant === 'sluice' || variant === 'standby';

export interface Shape {
  /** The first of them has the address that is rendered. */
  readonly jobManagerAddresses: readonly [string, ...string[]];
  readonly stateBucket: string;
  readonly slotsPerTaskManager: number;
  readonly taskManagerMemoryMiB: number;
}

const CLUSTER = 'bench';

const sizeOf = (shape: Shape): ResolvedSize => ({
  instanceType: 'none',
  vcpus: 2,
  hostMemoryMiB: 4_096,
  architecture: 'x86_64',
  peakGbps: 10,
  stateVolume: { kind: 'gp3', sizeGB: 10 },
  jobManager: { instanceType: 'none', memoryMiB: 1_024 },
  taskManagersPerHost: 1,
  taskManagerMemoryMiB: shape.taskManagerMemoryMiB,
  slotsPerTaskManager: shape.slotsPerTaskManager,
  taskManagers: { min: 1, max: 4 },
  defaultParallelism: 4,
  spareSlots: shape.slotsPerTaskManager,
});

/** As the twin's stage has it: processes that live minutes on a small machine. The S3 is an emulator's. */
const machine = (s3Endpoint: string): Record<string, string> => ({
  's3.endpoint': s3Endpoint,
  's3.path.style.access': 'true',
  'env.java.opts.all': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
});

/** What has nothing to do with recovery, and where state lies: the same in all variants. */
const COMMON =
  /^(jobmanager\.(rpc|bind|memory)|rest\.|blob\.|taskmanager\.(rpc|data|memory\.process|numberOfTaskSlots|collect)|metrics\.|s3\.|env\.|state\.backend|web\.submit|parallelism|execution\.checkpointing\.(storage|dir|savepoint-dir|incremental|mode|num-retained|externalized))/;

/** `operator`: what the Kubernetes operator's documentation gives besides Flink's own defaults; both have heartbeats of 10 s and 50 s. */
const OPERATOR: Record<string, string> = {
  'jobmanager.scheduler': 'adaptive',
  'execution.state-recovery.from-local': 'true',
  'execution.checkpointing.local-backup.enabled': 'true',
};

export const configurationOf = (
  variant: Variant,
  role: 'jobmanager' | 'taskmanager',
  shape: Shape,
  s3Endpoint: string,
  changes: Readonly<Record<string, string>> = {},
): Record<string, string> => {
  const [jobManagerAddress, standbyAddress] = shape.jobManagerAddresses;
  const standby = variant === 'standby' && standbyAddress !== undefined ? { standbyAddress } : {};
  const rendered = renderConfiguration(role, {
    stage: { region: 'us-east-1', stateBucket: shape.stateBucket, flinkConfiguration: machine(s3Endpoint) },
    cluster: { name: CLUSTER, epoch: 1, size: sizeOf(shape), flinkConfiguration: {}, jobManagerAddress, ...standby },
  }).map(({ key, value }) => [key, value] as const);
  if (isOwn(variant)) return { ...Object.fromEntries(rendered), ...changes };
  const common = Object.fromEntries(rendered.filter(([key]) => COMMON.test(key)));
  return { ...common, ...(variant === 'operator' ? OPERATOR : {}), ...changes };
};
