import { fleet } from '../../composition/fleet';
import { instanceEndEvent } from '../../contracts/events';
import type { HostEnded } from '../../gateways/aws/fleet.port';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';

const hosts = fleet();

/**
 * EC2 tells of an instance of the account that ends: the group of a host of the stage that has not found it yet is told, and launches another. Nothing is decided
 * here, and no operation is begun: the group would do the same later. What ends because somebody wants it to, its group knows.
 */
export const handler = timed(async (event: unknown): Promise<readonly HostEnded[]> => {
  const parsed = instanceEndEvent.safeParse(event);
  if (!parsed.success) {
    log('WARN', { message: 'Not an event that is known', problem: parsed.error.message.slice(0, 500) });
    return [];
  }
  const { 'instance-id': id, state } = parsed.data.detail;
  const ended = await hosts.replaceEnded([id]);
  for (const one of ended)
    log('WARN', { message: `${one.instanceId} is ${state}, and its group had not found it: it launches another`, ...one });
  return ended;
});
