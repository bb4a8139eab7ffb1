import { resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Three million flights inside the USA, January to June 2001 (US Bureau of Transportation Statistics, in npm vega-datasets). */
const PARQUET = resolve(__dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet');

/** Minutes after departure until which a report counts; job.sql and its watermark have the same. */
export const COUNTS_WITHIN_MINUTES = 180;

export interface Selection {
  /** The first so many flights of the file, which is ordered by departure. @default all, 3,000,000 */
  readonly limit?: number;
  /** Another seed gives another disorder. @default 1 */
  readonly seed?: number;
}

export const ALL_FLIGHTS = 3_000_000;

/**
 * A connection with the table `reports`: each flight with the instant at which it is reported. All are out of order by up to 20 minutes,
 * 2 % are late by up to three hours and count, 0.2 % are late by up to three more days and do not.
 * The numbers come from the flight's row and the seed only, by integer arithmetic, so that they are the same on every machine.
 */
export async function openReports({ limit = ALL_FLIGHTS, seed = 1 }: Selection): Promise<DuckDBConnection> {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new Error(`limit must be a positive whole number, not ${limit}`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 1_000_000) throw new Error(`seed must be from 0 to 1000000, not ${seed}`);
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`
    CREATE MACRO scrambled(n) AS ((n * 1103515245 + 12345) % 4294967296);
    CREATE VIEW reports AS
      WITH picked AS (
        SELECT *, file_row_number AS id, scrambled(xor(scrambled(file_row_number + ${seed} * 7919), 2863311530)) // 1000 AS lot,
          scrambled(file_row_number * 31 + ${seed}) // 1000 AS amount
        FROM read_parquet('${PARQUET.replaceAll("'", "''")}', file_row_number = true)
        WHERE file_row_number < ${limit}
      )
      SELECT id, origin, destination, delay, distance, date AS departed,
        date + to_minutes(CASE
          WHEN lot % 1000 < 2 THEN ${COUNTS_WITHIN_MINUTES} + 1 + amount % 4320
          WHEN lot % 1000 < 22 THEN 21 + amount % (${COUNTS_WITHIN_MINUTES} - 20)
          ELSE amount % 21 END) AS reported
      FROM picked`);
  return connection;
}
