import type { KafkaSeen } from '../../contracts/kafka';
import type { JobObservation, ScalingObserved, VertexSeen } from '../../contracts/scaling';
import { secondsBetween } from '../clock';
import { type Line, percent } from './explain';
import { isKnown, isReadingSource } from './rates';

/** MSK's figures are of a minute and come up to a few minutes later; older ones say nothing about now. */
const STALE_SECONDS = 300;
/** AWS asks for a broker's CPU (user and system) to be kept under 60 %; from here on it has nothing left to give, and a reader that asks more often waits. */
const BROKERS_FULL = 0.85;
/** AWS' own advice is an alarm at 85 %; a broker without room stops taking records. */
const DISKS_FULL = 0.85;

const ageOf = (at: string, now: string): number => Math.round(secondsBetween(at, now));
const fresh = <T extends { readonly at: string }>(figures: T | null, now: string): T | null =>
  figures !== null && ageOf(figures.at, now) <= STALE_SECONDS ? figures : null;

/** Sources of which Flink does not say how much waits. */
const silent = (vertices: readonly VertexSeen[]): readonly VertexSeen[] =>
  vertices.filter((vertex) => isReadingSource(vertex) && vertex.pendingRecords === undefined);

/** The one source of which MSK has the lag and Flink does not: of several it is not known which of them reads what. */
export const sourceByOffsets = ({ vertices }: Pick<JobObservation, 'vertices'>): VertexSeen | undefined => {
  const [source, ...more] = silent(vertices);
  return more.length > 0 ? undefined : source;
};

/**
 * The job with what its consumer group has not committed where Flink has no lag. Figures that are old or not there make the lag unknown, and what is not
 * known is not decided on.
 */
export const withOffsets = (job: JobObservation, kafka: KafkaSeen | undefined, now: string): JobObservation => {
  const source = sourceByOffsets(job);
  if (kafka === undefined || source === undefined) return job;
  const lag = fresh(kafka.lag, now);
  const offsets = { pendingRecords: lag?.records ?? null, pendingRecordsGrowth: lag?.growth ?? null };
  return { ...job, vertices: job.vertices.map((vertex) => (vertex.id === source.id ? { ...vertex, ...offsets } : vertex)) };
};

/** That the brokers have nothing left to give, as a part of a sentence; null when they have, or when that is not known. */
export const brokersFull = ({ kafka }: Pick<ScalingObserved, 'kafka'>, now: string): string | null => {
  const cpu = fresh(kafka?.brokers ?? null, now)?.cpu;
  return kafka && isKnown(cpu) && cpu >= BROKERS_FULL ? `the brokers' CPU on ${kafka.clusterName} is at ${percent(cpu)}` : null;
};

/** What MSK told, for the person who reads why. */
export const kafkaLines = ({ kafka, job }: Pick<ScalingObserved, 'kafka' | 'job'>, now: string): readonly Line[] => {
  if (!kafka) return [];
  const say = (text: string): Line => ({ vertex: null, text: `MSK ${kafka.clusterName}: ${text}` });
  const sources = silent(job.vertices).length;
  return [
    ...(kafka.problem === undefined
      ? [say(lagText(kafka, now)), say(brokerText(kafka, now))]
      : [say(`its figures could not be read: ${kafka.problem}`)]),
    ...(sources > 1 ? [say(`${sources} sources have no lag of their own, so that the group's says nothing about one of them`)] : []),
  ];
};

const lagText = ({ consumerGroup, lag }: KafkaSeen, now: string): string => {
  if (!lag)
    return `there are no figures of consumer group ${consumerGroup} for all its topics; it may not have committed yet, or its name is another`;
  if (!fresh(lag, now)) return `the lag of consumer group ${consumerGroup} is ${ageOf(lag.at, now)} s old and is not decided on`;
  const parts = [
    `${Math.round(lag.records)} records of consumer group ${consumerGroup} are not committed`,
    ...(isKnown(lag.seconds) ? [`about ${Math.round(lag.seconds)} s`] : []),
    ...(isKnown(lag.worstPartition) ? [`${Math.round(lag.worstPartition)} of them in one partition`] : []),
  ];
  return parts.join(', ');
};

const brokerText = ({ brokers }: KafkaSeen, now: string): string => {
  if (!brokers) return 'there are no figures of its brokers';
  if (!fresh(brokers, now)) return `the figures of its brokers are ${ageOf(brokers.at, now)} s old and are not decided on`;
  const { cpu, disk } = brokers;
  const parts = [isKnown(cpu) ? `the busiest broker's CPU is at ${percent(cpu)}` : "the brokers' CPU is not known"];
  if (isKnown(disk))
    parts.push(
      `the fullest disk at ${percent(disk)}${disk >= DISKS_FULL ? ', and a broker whose disk is full takes no records: add storage' : ''}`,
    );
  return parts.join(', ');
};
