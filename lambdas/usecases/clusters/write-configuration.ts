import { AwsUnavailable } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import { OWN_ARTIFACTS, type Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { type ConfigurationInput, renderConfiguration, toYaml } from '../../domain/flink-config';
import { configurationPrefix } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { ownTarget, type StoreDeps } from '../operations/owned';

/** Version of the files that the bootstrap reads (`node/README.md`). */
const NODE_VERSION = 1;

/** Puts what a node boots with where its tags point to. */
export const writeConfiguration = async (
  deps: StoreDeps & { readonly artifacts: ArtifactsPort; readonly stage: Stage },
  operation: Operation,
): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const { stage, artifacts } = deps;
  const { jobManagerAddress, standby } = cluster.resources;
  if (jobManagerAddress === undefined) throw new AwsUnavailable(`cluster ${cluster.name} has no JobManager address yet`);
  const input: ConfigurationInput = {
    stage,
    cluster: {
      name: cluster.name,
      epoch: cluster.epoch,
      size: cluster.size,
      flinkConfiguration: cluster.spec.flinkConfiguration,
      jobManagerAddress,
      standbyAddress: standby?.address,
    },
  };
  const node = {
    cluster: cluster.name,
    epoch: cluster.epoch,
    flinkVersion: cluster.flinkVersion,
    distribution: `s3://${stage.artifactBucket}/${OWN_ARTIFACTS}${cluster.flinkVersion}/`,
    taskManagersPerHost: cluster.size.taskManagersPerHost,
    nodeVersion: NODE_VERSION,
  };
  const prefix = configurationPrefix(cluster.name, cluster.epoch);
  await Promise.all([
    artifacts.putText(stage.stateBucket, `${prefix}/node.json`, `${JSON.stringify(node, null, 2)}\n`),
    artifacts.putText(stage.stateBucket, `${prefix}/jobmanager.yaml`, toYaml(renderConfiguration('jobmanager', input))),
    artifacts.putText(stage.stateBucket, `${prefix}/taskmanager.yaml`, toYaml(renderConfiguration('taskmanager', input))),
  ]);
  return { reason: `Nodes boot with Flink ${cluster.flinkVersion} and the configuration in s3://${stage.stateBucket}/${prefix}` };
};
