import { clock, stage, store } from '../../composition/environment';
import { alarmChangedEvent } from '../../contracts/events';
import { log } from '../../middleware/log';
import { type AlarmHandled, handleAlarm } from '../../usecases/handle-alarm';

const deps = { clock, stage: stage(), store: store() };

/** What is no alarm's event is said and forgotten: trying it again would not make it one. */
export const handler = async (event: unknown): Promise<AlarmHandled> => {
  const changed = alarmChangedEvent.safeParse(event);
  const handled: AlarmHandled = changed.success
    ? await handleAlarm(deps, changed.data.detail)
    : { outcome: 'ignored', reason: `No change of an alarm's state: ${changed.error.issues[0]?.path.join('.')} is not as expected` };
  const { reason, subject, outcome } = handled;
  log(outcome === 'ignored' ? 'WARN' : 'INFO', { message: reason, outcome, ...subject });
  return handled;
};
