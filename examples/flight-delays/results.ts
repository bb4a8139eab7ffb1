import { type ReadOptions, readCommitted } from '../read-committed';
import type { AirportDay } from './expected';
import { TOPICS } from './job';

export interface ResultsOptions extends Omit<ReadOptions, 'topic' | 'onValue'> {
  /** @default delays */
  readonly topic?: string;
  /** Called for every committed row from the topic's beginning, in each partition's order. */
  readonly onRow: (row: AirportDay) => void;
}

/** Rows as the job wrote them. @returns rows read */
export const readResults = ({ topic = TOPICS.delays.name, onRow, ...options }: ResultsOptions): Promise<number> =>
  readCommitted({ ...options, topic, onValue: (value) => onRow(JSON.parse(value.toString('utf8')) as AirportDay) });
