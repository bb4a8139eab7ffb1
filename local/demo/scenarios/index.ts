import { killJobManager, killTaskManager } from './losses';
import type { Scenario } from './scenario';
import { spike } from './spike';
import { loseZone, zombieZone } from './zones';

/** What `npm start -- --scenario NAME` knows. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  spike,
  'kill-taskmanager': killTaskManager,
  'kill-jobmanager': killJobManager,
  'lose-zone': loseZone,
  'zombie-zone': zombieZone,
};
