import type { LoadPoint } from '../../../examples/orders-jar/profile';
import type { Machines } from '../../client/machines';
import type { ClusterInput, JobInput, SluiceClient } from '../../client/sluice-client';
import type { TwinSettings } from '../../twin/settings';
import type { TwinFile } from '../../twin/twin-file';

/** What a scenario acts with, while orders come in and the job numbers them. */
export interface Play {
  readonly client: SluiceClient;
  readonly machines: Machines;
  readonly settings: TwinSettings;
  readonly twin: TwinFile;
  readonly cluster: string;
  readonly job: string;
  readonly signal: AbortSignal;
  /** Seconds since the first order. */
  readonly seconds: () => number;
  /** Orders sent, and orders whose numbers are committed. */
  readonly figures: () => { readonly sent: number; readonly committed: number };
  /** No further order is sent, whatever the profile says. */
  readonly endOrders: () => void;
  /** A line with the time in front of it. */
  readonly say: (line: string) => void;
  /** Waits until `look` gives a value. @throws after `seconds`, naming what was awaited */
  readonly until: <T>(what: string, seconds: number, look: () => Promise<T | undefined | false>) => Promise<T>;
}

/** Something that happens to a running job, shown to a person, and what has to be right afterwards. */
export interface Scenario {
  readonly title: string;
  readonly cluster: ClusterInput;
  /** Time that an order takes, ms: a subtask does 1000 / millis a second. */
  readonly millis: number;
  readonly job: Omit<JobInput, 'name' | 'jar' | 'sql'>;
  readonly profile: readonly LoadPoint[];
  /** The answer is waited for so long after the last order. @default 660 */
  readonly answerSeconds?: number;
  /** Runs while the orders come. What it throws fails the scenario; so does an answer that is not exactly right. */
  readonly act: (play: Play) => Promise<Readonly<Record<string, unknown>>>;
  /** Runs when the answer is known. Each problem is a sentence, and fails the scenario. */
  readonly afterwards?: (
    play: Play,
  ) => Promise<{ readonly problems: readonly string[]; readonly measured: Readonly<Record<string, unknown>> }>;
}
