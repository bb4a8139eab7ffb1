import { type Comparison, compareResults } from '../../examples/flight-delays/compare';
import { expectedAnswer } from '../../examples/flight-delays/expected';
import { renderJob, TOPICS } from '../../examples/flight-delays/job';
import { replay } from '../../examples/flight-delays/replay';
import { readResults } from '../../examples/flight-delays/results';
import type { OperationView } from '../../lambdas/contracts/api';
import { type ClusterInput, type JobInput, SluiceClient } from '../client/sluice-client';
import { makeTopics } from '../twin/kafka';
import type { Step } from '../twin/twin';
import type { TwinFile } from '../twin/twin-file';
import { Airports } from './airports';
import { watchBoard } from './board';
import type { View } from './view';

export const CLUSTER: ClusterInput = {
  name: 'flights',
  size: 'dev',
  overrides: { taskManagers: { min: 1, max: 2 } },
  tags: { team: 'demo' },
};

export const jobOf = (twin: TwinFile): JobInput => ({
  name: 'flight-delays',
  sql: { script: renderJob({ bootstrapServers: twin.kafkaBootstrap }) },
  parallelism: 2,
  // Results are committed with a checkpoint: this is how often a person sees new ones.
  flinkConfiguration: { 'execution.checkpointing.interval': '2 s' },
});

export interface RoadProps {
  readonly start: () => Promise<TwinFile>;
  readonly view: View;
  readonly flights: number;
  /** Flights a second. @default - as fast as it goes */
  readonly rate?: number;
  /** Ends when every expected row has been compared; otherwise shows the board until `signal`. */
  readonly untilDone: boolean;
  readonly signal: AbortSignal;
}

export interface Summary {
  readonly ok: boolean;
  readonly flights: number;
  readonly rowsExpected: number;
  readonly rowsCompared: number;
  readonly rowsWrong: number;
  readonly rowsMissing: number;
  readonly rowsDoubled: number;
  readonly rowsUnexpected: number;
  readonly problems: readonly string[];
  /** Seconds of each phase; one begins where the one before has ended. */
  readonly phases: Readonly<Record<string, number>>;
  /** Seconds from the start of this process to the first committed result row. */
  readonly secondsToFirstRow: number;
}

const seconds = (milliseconds: number): number => Math.round(milliseconds) / 1_000;

/** Shows the twin's steps below one heading. */
export const showStep =
  (view: View) =>
  ({ name, state, seconds: took, detail }: Step): void =>
    view.step({
      parent: 'Start the twin',
      name,
      state: state === 'started' ? 'running' : state,
      ...(took === undefined ? {} : { seconds: took }),
      ...(detail === undefined ? {} : { detail }),
    });

/** The whole road, as a user of the API goes it: cluster, job, results. @throws what went wrong, in a sentence */
export const takeTheRoad = async (props: RoadProps): Promise<Summary | undefined> => {
  const { view, signal } = props;
  const phases: Record<string, number> = {};
  let marked = 0; // since the process began
  const phase = async <T>(key: string, title: string, work: () => Promise<T>): Promise<T> => {
    view.step({ name: title, state: 'running' });
    const finish = (state: 'done' | 'failed'): void => {
      const took = seconds(performance.now() - marked);
      marked = performance.now();
      phases[key] = took;
      view.step({ name: title, state, seconds: took });
    };
    try {
      const result = await work();
      finish('done');
      return result;
    } catch (error) {
      finish('failed');
      throw error;
    }
  };

  const twin = await phase('twin', 'Start the twin', props.start);
  const client = new SluiceClient(twin);
  const follow = (title: string, operation: OperationView): Promise<OperationView> =>
    client.succeeded(operation, 300, (seen) => {
      signal.throwIfAborted();
      showPhases(view, title, seen);
    });

  const expected = props.untilDone ? expectedAnswer({ limit: props.flights }) : Promise.resolve([]);
  expected.catch(() => {}); // awaited below
  const cluster = await phase('launchCluster', 'Launch a Flink cluster', async () => {
    const topics = makeTopics(twin.kafkaBootstrap, Object.values(TOPICS));
    await Promise.all([topics, client.launchCluster(CLUSTER).then((operation) => follow('Launch a Flink cluster', operation))]);
    return client.cluster(CLUSTER.name);
  });
  const page = `http://${cluster.resources.jobManagerAddress}:8081`;

  const job = await phase('submitJob', 'Submit the SQL job', async () => {
    await follow('Submit the SQL job', await client.submitJob(CLUSTER.name, jobOf(twin)));
    return client.job(CLUSTER.name, 'flight-delays');
  });

  // Only now: on two cores it would take the time from what the job's start needs.
  const sent = { count: 0 };
  const stopReplay = new AbortController();
  const replayed = replay({
    bootstrapServers: twin.kafkaBootstrap,
    limit: props.flights,
    signal: AbortSignal.any([signal, stopReplay.signal]),
    onProgress: (progress) => {
      sent.count = progress.sent;
    },
    ...(props.rate === undefined ? {} : { recordsPerSecond: props.rate }),
  });
  replayed.catch(() => {}); // awaited below
  view.note(`API      ${twin.apiUrl}   (calls are signed)`);
  view.note(`Flink    ${page}`);
  const airports = new Airports();
  const board = watchBoard({ client, page, job, airports, sent, total: props.flights, view });
  try {
    let firstRow: (() => void) | undefined;
    const firstRowCame = new Promise<void>((resolve) => {
      firstRow = resolve;
    });
    const onRow = (row: Parameters<Airports['add']>[0]): void => {
      airports.add(row);
      firstRow?.();
    };
    let comparison: Promise<Comparison> | undefined;
    let reading: Promise<unknown>;
    if (props.untilDone) {
      comparison = compareResults({ bootstrapServers: twin.kafkaBootstrap, expected: await expected, withinSeconds: 240, onRow, signal });
      reading = comparison;
    } else {
      reading = readResults({ bootstrapServers: twin.kafkaBootstrap, onRow, done: () => signal.aborted, signal });
    }
    reading.catch(() => {});
    await phase('firstRow', 'First result row', async () => {
      await Promise.race([firstRowCame, reading, replayed.then(() => firstRowCame), board.failed]);
      signal.throwIfAborted();
    });
    const secondsToFirstRow = seconds(performance.now());
    if (!comparison) {
      await Promise.race([reading, board.failed]);
      return undefined;
    }
    const result = await phase('finish', 'All results, compared with the right answer', () => Promise.race([comparison, board.failed]));
    await replayed;
    return { flights: props.flights, ...result, phases, secondsToFirstRow };
  } finally {
    stopReplay.abort();
    board.stop();
    await replayed.catch(() => {});
  }
};

/** An operation's phases, as they pass, below their step. */
const showPhases = (view: View, parent: string, { phases }: OperationView): void => {
  for (const { name, outcome, startedAt, endedAt, reason } of phases) {
    const state = outcome === 'failed' ? 'failed' : outcome === 'ok' ? 'done' : 'running';
    const took = seconds((endedAt === undefined ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt));
    view.step({ parent, name, state, seconds: took, detail: reason });
  }
};
