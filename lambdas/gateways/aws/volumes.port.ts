/** A snapshot of a host's state volume: evidence of what was there when its cluster was moved. */
export interface VolumeSnapshot {
  readonly snapshotId: string;
  readonly volumeId: string;
  /** Of the host. */
  readonly zone: string;
  readonly sizeGB: number;
  readonly cluster: string;
  readonly operationId: string;
  /** ISO 8601 */
  readonly at: string;
  /** When it is deleted. ISO 8601 */
  readonly keepUntil: string;
}

export interface VolumesSnapped {
  readonly snapshots: readonly VolumeSnapshot[];
  /** EC2's words for each volume of which there is none. */
  readonly failures: readonly string[];
  /** EC2's words where it does not tell which volumes there are: none is begun. */
  readonly untold?: string;
}

/** EBS volumes of the stage's TaskManager hosts. Every method can be repeated. */
export interface VolumesPort {
  /** Begins a snapshot of each state volume of an epoch that has none by this operation; EBS copies behind it. It answers within seconds, whatever EBS does. */
  snapshotVolumes(
    of: { readonly cluster: string; readonly epoch: number },
    by: { readonly operationId: string; readonly keepUntil: string },
  ): Promise<VolumesSnapped>;
  /** All of the stage. */
  snapshots(): Promise<readonly VolumeSnapshot[]>;
  deleteSnapshots(snapshotIds: readonly string[]): Promise<void>;
}
