import type { AddressesGiven } from '../../../lambdas/gateways/aws/fleet.port';

const giveAddresses = jest.fn<Promise<readonly AddressesGiven[]>, [(readonly string[])?]>();
jest.mock('../../../lambdas/composition/fleet', () => ({
  fleet: () => ({ giveAddresses: (ids?: readonly string[]) => giveAddresses(ids) }),
}));

const { handler } = require('../../../lambdas/handlers/events/give-addresses.handler') as {
  handler: (event: unknown) => Promise<readonly AddressesGiven[]>;
};

const event = (detail: object, type = 'EC2 Instance State-change Notification') => ({ source: 'aws.ec2', 'detail-type': type, detail });
const GIVEN = { instanceId: 'i-0abc', cluster: 'flights', addresses: 3, action: 'give', reason: 'it lacks them' } as const;

beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  giveAddresses.mockReset().mockResolvedValue([GIVEN]);
});

test.each(['pending', 'running'])('a host that is %s gets its addresses', async (state) => {
  expect(await handler(event({ 'instance-id': 'i-0abc', state }))).toEqual([GIVEN]);
  expect(giveAddresses.mock.calls).toEqual([[['i-0abc']]]);
});

test.each([
  ['an end', event({ 'instance-id': 'i-0abc', state: 'terminated' })],
  ['an id of another form', event({ 'instance-id': '*', state: 'running' })],
  ['another event', event({ 'instance-id': 'i-0abc', state: 'running' }, 'EC2 Instance Rebalance Recommendation')],
  ['nothing', null],
])('%s gives nothing', async (_, given) => {
  expect(await handler(given)).toEqual([]);
  expect(giveAddresses).not.toHaveBeenCalled();
});

test('what EC2 does not answer is thrown, so that it is tried again', async () => {
  giveAddresses.mockRejectedValue(new Error('RequestLimitExceeded'));
  await expect(handler(event({ 'instance-id': 'i-0abc', state: 'running' }))).rejects.toThrow('RequestLimitExceeded');
});
