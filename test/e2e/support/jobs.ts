import { uploadJar } from '../../../local/client/upload-jar';
import { counterJar } from '../../contract/support/counter-jar';
import { twin } from './twin';

/** A stream that never ends: numbers into nothing, at a rate that costs next to no CPU. */
export const endlessSql = (rate = 10): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '${rate}');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM numbers;
`;

/** The example jar in the artifact bucket. @returns what a job's spec says of it */
export const uploadedCounterJar = async (): Promise<{ uri: string; sha256: string }> => {
  const { uri, sha256 } = await uploadJar(twin, counterJar());
  return { uri, sha256 };
};

export const counterArguments = (options: Record<string, string | number>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
