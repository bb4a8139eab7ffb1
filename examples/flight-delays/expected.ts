import { COUNTS_WITHIN_MINUTES, openReports, type Selection } from './flights';

/** One row of the answer, as it is in the topic. */
export interface AirportDay {
  readonly origin: string;
  /** `2001-01-31` */
  readonly day: string;
  readonly flights: number;
  /** Minutes; negative where flights left early. */
  readonly mean_delay: number;
  /** 0 to 1. */
  readonly delayed_share: number;
}

/** The right answer, straight from the file, without Flink and Kafka. */
export async function expectedAnswer(selection: Selection = {}): Promise<AirportDay[]> {
  const connection = await openReports(selection);
  try {
    const rows = await connection.runAndReadAll(`
      SELECT origin, strftime(departed, '%Y-%m-%d') AS day, count(*)::INTEGER AS flights,
        sum(delay)::DOUBLE / count(*) AS mean_delay, count(*) FILTER (WHERE delay > 15)::DOUBLE / count(*) AS delayed_share
      FROM reports
      WHERE date_diff('minute', departed, reported) <= ${COUNTS_WITHIN_MINUTES}
      GROUP BY ALL ORDER BY ALL`);
    return rows.getRowObjectsJS() as unknown as AirportDay[];
  } finally {
    connection.closeSync();
  }
}
