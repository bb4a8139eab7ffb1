import { FUNCTIONS } from '../../lib/config/functions';
import type { AwsCalls } from './aws-calls';

/** One run of a function, from its log. */
export interface Invocation {
  readonly functionName: string;
  /** Of its last log line, ms since 1970. */
  readonly at: number;
  /** Billed duration, a cold start included, ms. */
  readonly durationMs: number;
  readonly cold: boolean;
  readonly logBytes: number;
  /** Of the operation that it worked for, or accepted. */
  readonly operationId?: string;
}

/** CloudWatch Logs bills each event with 26 bytes besides its text. */
const EVENT_OVERHEAD_BYTES = 26;

export interface LogLine {
  readonly timestamp: number;
  readonly message: string;
  readonly logStreamName: string;
}

/** @returns undefined for lines without a report: the run has not ended */
export const readInvocation = (functionName: string, lines: readonly LogLine[]): Invocation | undefined => {
  const text = lines.map(({ message }) => message).join('\n');
  const duration = /^REPORT .*?\tBilled Duration: ([\d.]+) ms/m.exec(text)?.[1];
  if (duration === undefined) return undefined;
  const operationId = /"operationId":"(op-[^"]+)"/.exec(text)?.[1];
  return {
    functionName,
    at: Math.max(...lines.map(({ timestamp }) => timestamp)),
    durationMs: Number(duration),
    cold: /^INIT_REPORT /m.test(text),
    logBytes: lines.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES, 0),
    ...(operationId === undefined ? {} : { operationId }),
  };
};

/** All runs of all functions since an instant. The emulator writes a log stream for each. */
export const invocationsSince = async (aws: AwsCalls, since: number, names = Object.keys(FUNCTIONS)): Promise<Invocation[]> => {
  const found: Invocation[] = [];
  for (const functionName of names) {
    const byStream = new Map<string, LogLine[]>();
    for (const line of await aws.logOf(functionName, since)) {
      const lines = byStream.get(line.logStreamName);
      if (lines) lines.push(line);
      else byStream.set(line.logStreamName, [line]);
    }
    for (const lines of byStream.values()) {
      const invocation = readInvocation(functionName, lines);
      if (invocation) found.push(invocation);
    }
  }
  return found;
};
