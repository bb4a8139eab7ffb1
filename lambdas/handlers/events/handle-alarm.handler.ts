import { clock, kafkaMetrics, observations, stage, store, workflows } from '../../composition/environment';
import { fleetObserver } from '../../composition/fleet';
import { alarmChangedEvent } from '../../contracts/events';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { considerScaling } from '../../usecases/scaling/consider-scaling';
import { type AlarmHandled, handleAlarm } from '../../usecases/scaling/handle-alarm';

const deciding = {
  clock,
  fleet: fleetObserver(),
  kafkaMetrics: kafkaMetrics(),
  observations: observations(),
  stage: stage(),
  store: store(),
  workflows: workflows(),
};
const deps = {
  ...deciding,
  considerScaling: (at: { readonly cluster: string; readonly job: string }, trigger: string) => considerScaling(deciding, at, trigger),
};

/** What is no alarm's event is said and forgotten: trying it again would not make it one. */
export const handler = timed(async (event: unknown): Promise<AlarmHandled> => {
  const changed = alarmChangedEvent.safeParse(event);
  const handled: AlarmHandled = changed.success
    ? await handleAlarm(deps, changed.data.detail)
    : { outcome: 'ignored', reason: `No change of an alarm's state: ${changed.error.issues[0]?.path.join('.')} is not as expected` };
  const { reason, subject, outcome, decided } = handled;
  log(outcome === 'ignored' ? 'WARN' : 'INFO', {
    message: reason,
    outcome,
    ...subject,
    decided: decided?.outcome,
    operationId: decided?.operationId,
  });
  return handled;
});
