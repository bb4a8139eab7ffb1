/** Measures rescales of real Flink, for the fleet simulator's model to be checked against: `tsx bench/fleet/measure/cli.ts > bench/fleet/measured.json`. */

import { install } from '../../../local/install/install';
import { onEnd } from '../../../local/twin/lifetime';
import { readSettings } from '../../../local/twin/settings';
import { rounded } from '../../statistics';
import { measure } from './measure';

const stops: (() => Promise<void>)[] = [];
const stop = async (): Promise<void> => void (await Promise.all(stops.map((one) => one())));
const main = async (): Promise<void> => {
  onEnd(() => void stop().then(() => process.exit(1)));
  const log = (line: string): void => void process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
  await install({ log });
  const measured = await measure(readSettings(), log, (one) => stops.push(one));
  const figures = JSON.stringify(measured, (_, value) => (typeof value === 'number' ? rounded(value, 3) : value), 2);
  process.stdout.write(`${figures}\n`);
};

main().then(
  () => process.exit(0),
  async (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    await stop();
    process.exit(1);
  },
);
