import { runScenario } from '../../../local/demo/scenarios/run';
import type { Scenario } from '../../../local/demo/scenarios/scenario';
import { settings, twin } from './twin';

/** Plays a scenario on the twin of the tests, on a cluster of its own name. @throws where it fails, with all that it has said */
export const play = async (scenario: Scenario, cluster: Scenario['cluster']): ReturnType<typeof runScenario> => {
  const said: string[] = [];
  const view = { step: () => undefined, board: () => undefined, end: () => undefined, note: (line: string) => void said.push(line) };
  return runScenario({ ...scenario, cluster }, { settings, start: async () => twin, view, signal: new AbortController().signal }).catch(
    (error: Error) => Promise.reject(new Error(`${error.message}\n${said.join('\n')}`)),
  );
};
