import { alarms, clock, stage, store } from '../../composition/environment';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { type AlarmsSwept, sweepAlarms } from '../../usecases/scaling/sweep-alarms';

const deps = { alarms: alarms(), clock, stage: stage(), store: store() };

/** Every five minutes. */
export const handler = timed(async (): Promise<readonly AlarmsSwept[]> => {
  const swept = await sweepAlarms(deps);
  for (const { reason, ...fields } of swept) log('WARN', { message: reason, ...fields });
  return swept;
});
