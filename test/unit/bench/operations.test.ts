import { readInvocation } from '../../../bench/road/invocations';
import { emptyStageMonth, idleClusterMonth } from '../../../bench/road/months';
import { gbSeconds, transitionsIn } from '../../../bench/road/operations';

const history = (...types: string[]) => types.map((type) => ({ type }) as Parameters<typeof transitionsIn>[0][number]);

describe('state transitions', () => {
  test('are the states entered', () => {
    const events = [
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskSucceeded',
      'TaskStateExited',
      'ChoiceStateEntered',
      'WaitStateEntered',
    ];
    expect(transitionsIn(history(...events))).toBe(3);
  });

  test('are one more for each retry', () => {
    const events = ['TaskStateEntered', 'TaskScheduled', 'TaskFailed', 'TaskScheduled', 'TaskFailed', 'TaskScheduled', 'TaskSucceeded'];
    expect(transitionsIn(history(...events))).toBe(3);
  });
});

describe('a run of a function', () => {
  const lines = (...messages: string[]) => messages.map((message, index) => ({ message, timestamp: index, logStreamName: 'one' }));
  const REPORT = 'REPORT RequestId: r\tDuration: 80 ms\tBilled Duration: 81 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB';

  test('is read from its log, with the operation that it worked for', () => {
    const said = '{"level":"INFO","message":"Starts","operationId":"op-abc","phase":"Start job"}';
    expect(readInvocation('start-job', lines('START RequestId: r', said, 'END RequestId: r', REPORT))).toMatchObject({
      functionName: 'start-job',
      durationMs: 81,
      cold: false,
      operationId: 'op-abc',
      at: 3,
    });
  });

  test('is told from a cold one', () => {
    expect(readInvocation('start-job', lines('INIT_REPORT Init Duration: 120.00 ms\tPhase: init', REPORT))?.cold).toBe(true);
  });

  test('counts once it has ended', () => {
    expect(readInvocation('start-job', lines('START RequestId: r'))).toBeUndefined();
  });

  test('is billed by the memory that its function has', () => {
    expect(gbSeconds({ functionName: 'end-operation', durationMs: 2_000 })).toBe(1);
    expect(gbSeconds({ functionName: 'upload-artifact', durationMs: 2_000 })).toBe(2);
  });
});

describe('a month', () => {
  const run = (functionName: string) => ({ functionName, at: 0, durationMs: 100, cold: false, logBytes: 0 });

  test('of an idle cluster costs what runs beside the sweeper', () => {
    expect(idleClusterMonth([run('sweep-operations')], 60).dollars).toBe(0);
    // 43,800 runs of 0.05 GB-s and a trace each.
    expect(idleClusterMonth([run('observe-cluster')], 60).dollars).toBeCloseTo(43_800 * (0.2e-6 + 0.05 * 0.0000133334 + 5e-6), 6);
  });

  test('of an empty stage is its standing charges, the sweeper, the requests of the key and what lies in S3', () => {
    const month = emptyStageMonth(
      { byType: { 'AWS::KMS::Key': 1 }, total: 1, resources: 9, unknown: [] },
      { durationMs: 100, logBytes: 500 },
    );
    expect(month.dollars).toBeCloseTo(
      Object.values(month.parts).reduce((sum, part) => sum + part, 0),
      9,
    );
    expect(Object.keys(month.parts)).toHaveLength(4);
    expect(month.dollars).toBeGreaterThan(1);
  });
});
