import { killJobManager, killTaskManager } from './losses';
import type { Scenario } from './scenario';
import { loseZone, zombieZone } from './zones';

/** What `npm start -- --scenario NAME` knows. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'kill-taskmanager': killTaskManager,
  'kill-jobmanager': killJobManager,
  'lose-zone': loseZone,
  'zombie-zone': zombieZone,
};
