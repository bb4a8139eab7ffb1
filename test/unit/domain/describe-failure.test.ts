import { describeFailure, sentence, shorten } from '../../../lambdas/domain/describe-failure';

const lambda = (errorType: string, errorMessage: string) => JSON.stringify({ errorType, errorMessage, trace: ['at x', 'at y'] });

test.each([
  [
    "a function's error is told in its own words",
    { Error: 'JobRejected', Cause: lambda('JobRejected', 'no such\n class') },
    'no such class',
  ],
  ['a text is told as it is', { Error: 'InsufficientCapacity', Cause: 'none in us-east-1a' }, 'none in us-east-1a'],
  ['a timeout of the state machine is explained', { Error: 'States.Timeout', Cause: '' }, 'a step of the workflow did not answer in time'],
  [
    'a timeout of a function is explained',
    { Error: 'Sandbox.Timedout', Cause: lambda('Sandbox.Timedout', 'RequestId: 1 Error: Task timed out after 30.00 seconds') },
    'a function of the control plane ran into its timeout',
  ],
  [
    'a cause that was cut in the middle still tells its message',
    { Error: 'JobFailed', Cause: '{"errorType":"JobFailed","errorMessage":"no \\"topic\\" there","trace":["at' },
    'no "topic" there',
  ],
  ['an error without a cause is named', { Error: 'Odd' }, 'the workflow failed without saying why (Odd)'],
  ['no error at all is said to be none', undefined, 'the workflow failed without saying why (Unknown)'],
])('%s', (_, caught, message) => {
  expect(describeFailure(caught).message).toBe(message);
});

test('the stack trace of a failed savepoint does not become the reason of an operation', () => {
  const { message } = describeFailure({ Error: 'SavepointFailed', Cause: lambda('SavepointFailed', 'x'.repeat(90_000)) });
  expect(message.length).toBeLessThanOrEqual(1_800);
  expect(message).toMatch(/… \(cut\)$/);
});

test('a text is cut between characters', () => {
  for (const limit of [30, 31]) expect(shorten('🙂'.repeat(100), limit)).toMatch(/^🙂+ … \(cut\)$/u);
});

test('a name keeps its small letters', () => {
  expect(sentence('s3://b/job.jar is not there')).toBe('s3://b/job.jar is not there.');
});

test('a sentence begins with a capital and ends with a stop', () => {
  expect(['no topic', 'Done.', ' what? ', ''].map(sentence)).toEqual(['No topic.', 'Done.', 'What?', '']);
  expect(shorten('short')).toBe('short');
});
