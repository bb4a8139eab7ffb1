import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { twin } from './twin';

const root = resolve(__dirname, '../../..');
const run = promisify(execFile);

/** In a process of its own, as the Kafka client is an ES module. @returns what it printed */
const node = async (...args: readonly string[]): Promise<string> =>
  (await run(process.execPath, ['--import', 'tsx', ...args], { cwd: root, maxBuffer: 10_000_000 })).stdout;

/** A command of the flight example (`examples/flight-delays/cli.ts`) on the twin's Kafka. @returns what it printed */
export const flights = (...args: readonly string[]): Promise<string> =>
  node('examples/flight-delays/cli.ts', ...args, '--bootstrap', twin.kafkaBootstrap);

export const makeFlightTopics = (): Promise<string> =>
  node(
    '-e',
    `const { makeTopics } = require('./local/twin/kafka'); const { TOPICS } = require('./examples/flight-delays/job');
    makeTopics(${JSON.stringify(twin.kafkaBootstrap)}, Object.values(TOPICS));`,
  );
