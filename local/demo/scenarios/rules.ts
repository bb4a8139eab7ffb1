import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { control } from '../../client/control';
import type { Play } from './scenario';

/** Sets rules of failure, and takes them away when `work` is done or after `seconds`, whichever is later. */
export const withRules = async <T>(play: Play, seconds: number, rules: readonly object[], work: () => Promise<T>): Promise<T> => {
  const name = randomUUID();
  await control(
    play.twin.awsEndpoint,
    'POST',
    'faults',
    rules.map((rule) => ({ ...rule, name })),
  );
  try {
    const [result] = await Promise.all([work(), sleep(seconds * 1_000, undefined, { signal: play.signal }).catch(() => {})]);
    return result;
  } finally {
    await control(play.twin.awsEndpoint, 'DELETE', `faults/${name}`);
  }
};

/** No function of the control plane does anything. */
export const EVERY_FUNCTION_DIES = [{ service: 'lambda', action: 'Invoke', function: '*', kill: true }];
