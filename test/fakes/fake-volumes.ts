import type { VolumeSnapshot, VolumesPort, VolumesSnapped } from '../../lambdas/gateways/aws/volumes.port';
import { type Faults, withFaults } from './faults';

interface Volume {
  readonly volumeId: string;
  readonly zone: string;
  readonly cluster: string;
  readonly epoch: number;
}

/** EBS in memory. */
class InMemoryVolumes implements VolumesPort {
  readonly volumes: Volume[] = [];
  /** Volumes of which EBS makes no snapshot now. */
  readonly refused = new Set<string>();
  /** EBS does not tell which volumes there are. */
  isSilent = false;
  private made: VolumeSnapshot[] = [];

  constructor(private readonly now: () => Date) {}

  async snapshotVolumes(
    of: { readonly cluster: string; readonly epoch: number },
    by: { readonly operationId: string; readonly keepUntil: string },
  ): Promise<VolumesSnapped> {
    if (this.isSilent) return { snapshots: [], failures: [], untold: 'DescribeVolumesCommand: AbortError: Request aborted' };
    const failures: string[] = [];
    for (const { volumeId, zone, cluster, epoch } of this.volumes) {
      if (cluster !== of.cluster || epoch !== of.epoch) continue;
      if (this.made.some((one) => one.volumeId === volumeId && one.operationId === by.operationId)) continue;
      if (this.refused.has(volumeId)) failures.push(`Volume ${volumeId} cannot be reached`);
      else
        this.made.push({
          snapshotId: `snap-${this.made.length + 1}`,
          volumeId,
          zone,
          sizeGB: 70,
          cluster,
          at: this.now().toISOString(),
          ...by,
        });
    }
    return { snapshots: this.made.filter(({ operationId }) => operationId === by.operationId), failures };
  }

  async snapshots(): Promise<readonly VolumeSnapshot[]> {
    return [...this.made];
  }

  async deleteSnapshots(snapshotIds: readonly string[]): Promise<void> {
    this.made = this.made.filter(({ snapshotId }) => !snapshotIds.includes(snapshotId));
  }
}

export type FakeVolumes = InMemoryVolumes & Faults<VolumesPort>;
export const createFakeVolumes = (now: () => Date = () => new Date()): FakeVolumes => withFaults(new InMemoryVolumes(now)) as FakeVolumes;
