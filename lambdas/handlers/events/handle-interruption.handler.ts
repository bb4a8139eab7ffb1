import { clock, stage, store, workflows } from '../../composition/environment';
import { fleet } from '../../composition/fleet';
import { hostNotice } from '../../contracts/interruption';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';
import { acceptInterruption, type Interrupted } from '../../usecases/clusters/accept-interruption';

const deps = { clock, fleet: fleet(), stage: stage(), store: store(), workflows: workflows() };

/** Notices of EC2 and AWS Health. What is not of a known form is said and left: a retry would not make it better. */
export const handler = timed(async (event: unknown): Promise<readonly Interrupted[]> => {
  const parsed = hostNotice.safeParse(event);
  if (!parsed.success) {
    log('WARN', { message: 'Not a notice that is known', problem: parsed.error.message.slice(0, 500) });
    return [];
  }
  const { notice, time, evidence, instanceIds } = parsed.data;
  const done = await Promise.all(
    instanceIds.map((instanceId) => acceptInterruption(deps, { instanceId, notice, evidence, noticedAt: time })),
  );
  for (const { reason, ...fields } of done) log('INFO', { message: reason, ...fields });
  return done;
});
