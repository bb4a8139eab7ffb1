/**
 * Suites with real processes: a test that fails is tried once more, and its first failure is printed. On a shared machine a JVM may get no
 * processor for seconds; a defect fails twice. At once, because a later test may end what the suite started.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
// Jest's five seconds are those of a test without processes.
jest.setTimeout(30_000);
