import type { ConfigurationView } from '../../contracts/api';
import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Stage } from '../../contracts/stage';
import { type ConfigurationEntry, fromYaml, type Role, renderConfiguration } from '../../domain/flink-config';
import { HIDDEN, isSecret } from '../../domain/flink-settings-policy';
import { hostsEpoch } from '../../domain/reserve';
import { configurationPrefix } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { StorePort } from '../../gateways/aws/store.port';
import { requireCluster } from '../operations/in-the-way';

export interface ConfigurationDeps {
  readonly store: StorePort;
  readonly artifacts: ArtifactsPort;
  readonly stage: Stage;
}

/** The configuration that the cluster's processes were started with, each value with who decided it and why. @throws NotFound, Conflict before it is written */
export const describeConfiguration = async (deps: ConfigurationDeps, name: string): Promise<ConfigurationView> => {
  const cluster = await requireCluster(deps.store, name);
  const [jobmanager, taskmanager] = await Promise.all([
    configurationOf(deps, cluster, 'jobmanager'),
    configurationOf(deps, cluster, 'taskmanager'),
  ]);
  return { cluster: name, epoch: cluster.epoch, jobmanager, taskmanager };
};

const configurationOf = async ({ artifacts, stage }: ConfigurationDeps, cluster: Cluster, role: Role): Promise<ConfigurationEntry[]> => {
  const written = await artifacts.getText(
    `s3://${stage.stateBucket}/${configurationPrefix(cluster.name, hostsEpoch(cluster))}/${role}.yaml`,
  );
  if (written === undefined)
    throw new Conflict(`Cluster ${cluster.name} is ${cluster.status}: its configuration is not written yet, or is deleted`);
  const present = renderConfiguration(role, {
    stage,
    cluster: {
      name: cluster.name,
      epoch: cluster.epoch,
      size: cluster.size,
      flinkConfiguration: cluster.spec.flinkConfiguration,
      jobManagerAddress: cluster.resources.jobManagerAddress ?? '',
      standbyAddress: cluster.resources.standby?.address,
    },
  });
  // The file is what runs. A value that would be rendered differently today is from before the stage was deployed anew.
  return fromYaml(written).map(([key, value]) => {
    const rendered = present.find((entry) => entry.key === key);
    const entry =
      rendered?.value === value ? rendered : { key, value, source: rendered?.source ?? ('stage' as const), reason: AS_LAUNCHED };
    return isSecret(key) ? { ...entry, value: HIDDEN } : entry;
  });
};

const AS_LAUNCHED = 'as it was when the cluster was launched';
