/** Names of everything one epoch of a cluster owns. They derive from stage, cluster and epoch, so that making a thing twice finds the first. */
export interface FleetNames {
  /** Security group, IAM role, instance profile, placement group; also the prefix of all others. */
  readonly base: string;
  readonly jobManagerGroup: string;
  readonly taskManagerGroup: (zone: string) => string;
}

export const fleetNames = (stage: string, cluster: string, epoch: number): FleetNames => {
  const base = `sluice-${stage}-${cluster}-e${epoch}`;
  return { base, jobManagerGroup: `${base}-jobmanager`, taskManagerGroup: (zone) => `${base}-taskmanager-${zone}` };
};
