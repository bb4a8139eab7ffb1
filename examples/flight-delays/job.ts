import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const TOPICS = {
  /** More partitions than the job will have subtasks: a source without a partition would hold the watermark back for ever. */
  flights: { name: 'flights', partitions: 12 },
  delays: { name: 'delays', partitions: 4 },
} as const;

export interface JobSettings {
  /** `host:port`, several with commas. */
  readonly bootstrapServers: string;
  /** Prefix of the sink's Kafka transactions: its own for every job that runs at the same time. @default flight-delays */
  readonly transactionalIdPrefix?: string;
  /** @default flights */
  readonly inputTopic?: string;
  /** @default delays */
  readonly outputTopic?: string;
}

/** The SQL script to submit. @throws when a value could end the SQL string it stands in */
export function renderJob(settings: JobSettings): string {
  const values: Readonly<Record<string, string>> = {
    transactionalIdPrefix: 'flight-delays',
    inputTopic: TOPICS.flights.name,
    outputTopic: TOPICS.delays.name,
    ...settings,
  };
  return readFileSync(join(__dirname, 'job.sql'), 'utf8').replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined || !/^[\w.,:-]+$/.test(value)) throw new Error(`${name} cannot be ${JSON.stringify(value)}`);
    return value;
  });
}
