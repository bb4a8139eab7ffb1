import { type EveryStateOptions, everyState } from './every-state';
import { hangJobManager, killJobManager, killLeader, killTaskManager, loseControlPlane } from './losses';
import type { Scenario } from './scenario';
import { type SoakOptions, soak } from './soak';
import { spike } from './spike';
import { loseLeaderZone, loseOtherZone } from './spread';
import { drillOnCopy, loseZone, riseAndLoss, zombieZone } from './zones';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  spike,
  'kill-taskmanager': killTaskManager,
  'kill-jobmanager': killJobManager,
  'hang-jobmanager': hangJobManager,
  'kill-leader': killLeader,
  'lose-control-plane': loseControlPlane,
  'lose-zone': loseZone,
  'zombie-zone': zombieZone,
  'rise-and-loss': riseAndLoss,
  'lose-other-zone': loseOtherZone,
  'lose-leader-zone': loseLeaderZone,
  'drill-on-copy': drillOnCopy,
};

/** What `npm start -- --scenario NAME` knows. */
export const SCENARIO_NAMES: readonly string[] = [...Object.keys(SCENARIOS), 'soak', 'every-state'];

/** @throws when there is none of that name */
export const scenarioNamed = (name: string, { minutes, ...options }: Omit<SoakOptions, 'minutes'> & EveryStateOptions): Scenario => {
  if (name === 'every-state') return everyState({ ...options, ...(minutes === undefined ? {} : { minutes }) });
  const scenario =
    name === 'soak' ? soak({ ...options, minutes: minutes ?? 10 }) : Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
  if (!scenario) throw new Error(`--scenario knows ${SCENARIO_NAMES.join(', ')}; not ${name}`);
  return scenario;
};
