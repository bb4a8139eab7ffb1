import { type Stage, stageFromEnvironment } from '../contracts/stage';
import type { Clock } from '../domain/clock';
import { createAlarms } from '../gateways/aws/alarms.adapter';
import type { AlarmsPort } from '../gateways/aws/alarms.port';
import { createArtifacts } from '../gateways/aws/artifacts.adapter';
import type { ArtifactsPort } from '../gateways/aws/artifacts.port';
import { alarmsClient, cloudWatchClient, ec2Client, s3Client, sfnClient, tableClient } from '../gateways/aws/clients';
import { createInstanceFacts } from '../gateways/aws/instance-facts.adapter';
import type { InstanceFactsPort } from '../gateways/aws/instance-facts.port';
import { createKafkaMetrics } from '../gateways/aws/kafka-metrics.adapter';
import type { KafkaMetricsPort } from '../gateways/aws/kafka-metrics.port';
import { createMetrics } from '../gateways/aws/metrics.adapter';
import type { MetricsPort } from '../gateways/aws/metrics.port';
import { createObservations, createObservationTable, type ObservationTable } from '../gateways/aws/observations.adapter';
import type { ObservationStorePort } from '../gateways/aws/observations.port';
import { createStore } from '../gateways/aws/store.adapter';
import type { StorePort } from '../gateways/aws/store.port';
import { createWorkflows } from '../gateways/aws/workflows.adapter';
import type { WorkflowsPort } from '../gateways/aws/workflows.port';
import { connectFlink } from '../gateways/flink/flink.adapter';
import type { FlinkConnector } from '../gateways/flink/flink.port';
import { connectFlinkMetrics } from '../gateways/flink/metrics.adapter';
import type { FlinkMetricsConnector } from '../gateways/flink/metrics.port';

/*
 * The real adapters, made from a function's environment. A handler calls those it needs at module level: connections outlive an invocation,
 * and the bundler leaves out the rest (so nothing here may run by itself).
 */
export const clock: Clock = () => new Date();
export const stage = (): Stage => stageFromEnvironment(process.env);
export const store = (): StorePort => createStore({ client: tableClient(), tableName: stage().tableName, now: clock });
export const observations = (): ObservationStorePort =>
  createObservations({ client: tableClient(), tableName: stage().tableName, now: clock, s3: s3Client(), bucket: stage().stateBucket });
/** What is in the table; decisions are in the state bucket, which needs the SDK of S3. */
export const observationTable = (): ObservationTable =>
  createObservationTable({ client: tableClient(), tableName: stage().tableName, now: clock });
export const metrics = (): MetricsPort => createMetrics({ stage: stage().name });
export const flinkMetrics = (): FlinkMetricsConnector => connectFlinkMetrics();
export const artifacts = (): ArtifactsPort => createArtifacts({ client: s3Client() });
export const alarms = (): AlarmsPort => createAlarms({ client: alarmsClient(), stage: stage().name });
export const kafkaMetrics = (): KafkaMetricsPort => createKafkaMetrics({ client: cloudWatchClient() });
export const workflows = (): WorkflowsPort =>
  createWorkflows({ client: sfnClient(), stateMachineArnPrefix: stage().stateMachineArnPrefix });
export const instanceFacts = (): InstanceFactsPort => createInstanceFacts({ client: ec2Client() });
/** @param timeoutMs how long one request may take; default: the adapter's */
export const flink = (timeoutMs?: number): FlinkConnector => connectFlink(timeoutMs === undefined ? {} : { timeoutMs });
