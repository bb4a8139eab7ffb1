import { killJobManager, killTaskManager } from './losses';
import type { Scenario } from './scenario';
import { type SoakOptions, soak } from './soak';
import { spike } from './spike';
import { loseOtherZone } from './spread';
import { loseZone, riseAndLoss, zombieZone } from './zones';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  spike,
  'kill-taskmanager': killTaskManager,
  'kill-jobmanager': killJobManager,
  'lose-zone': loseZone,
  'zombie-zone': zombieZone,
  'rise-and-loss': riseAndLoss,
  'lose-other-zone': loseOtherZone,
};

/** What `npm start -- --scenario NAME` knows. */
export const SCENARIO_NAMES: readonly string[] = [...Object.keys(SCENARIOS), 'soak'];

/** @throws when there is none of that name */
export const scenarioNamed = (name: string, options: SoakOptions): Scenario => {
  const scenario = name === 'soak' ? soak(options) : Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
  if (!scenario) throw new Error(`--scenario knows ${SCENARIO_NAMES.join(', ')}; not ${name}`);
  return scenario;
};
