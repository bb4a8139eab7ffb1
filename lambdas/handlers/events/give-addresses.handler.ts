import { fleet } from '../../composition/fleet';
import { instanceStateEvent } from '../../contracts/events';
import type { AddressesGiven } from '../../gateways/aws/fleet.port';
import { log } from '../../middleware/log';
import { timed } from '../../middleware/timed';

const hosts = fleet();

/** EC2 tells of an instance of the account that boots or runs: a host of the stage gets the addresses that it lacks. The sweep finds what this misses. */
export const handler = timed(async (event: unknown): Promise<readonly AddressesGiven[]> => {
  const parsed = instanceStateEvent.safeParse(event);
  if (!parsed.success) {
    log('WARN', { message: 'Not an event that is known', problem: parsed.error.message.slice(0, 500) });
    return [];
  }
  const given = await hosts.giveAddresses([parsed.data.detail['instance-id']]);
  for (const { reason, ...fields } of given) log(fields.action === 'refused' ? 'WARN' : 'INFO', { message: reason, ...fields });
  return given;
});
