import * as z from 'zod';
import type { FlinkJobState } from './flink.port';

/** What Flink 2.x answers: strict on what is used, silent on the rest, so that a newer Flink's new fields do no harm. */
export const jobState = z.enum([
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] satisfies FlinkJobState[]);

const count = z.int().min(0);

export const overview = z.object({ taskmanagers: count, 'slots-total': count, 'slots-available': count });

export const taskManagers = z.object({
  taskmanagers: z.array(
    z.object({
      id: z.string(),
      /** `pekko.tcp://flink@127.64.0.5:6123/user/rpc/taskmanager_0`: the address is nowhere else. */
      path: z
        .string()
        .transform((path) => /@([^:/]+)[:/]/.exec(path)?.[1] ?? '')
        .pipe(z.string().min(1)),
      slotsNumber: count,
      freeSlots: count,
    }),
  ),
});

/** `GET /jobs/overview`: never cached, unlike `GET /jobs/:id`. */
export const jobsOverview = z.object({
  jobs: z.array(
    z.object({
      jid: z.string(),
      name: z.string(),
      state: jobState,
      'start-time': z.number(),
      tasks: z.object({ total: count, running: count, finished: count }),
    }),
  ),
});

export const jobDetails = z.object({
  vertices: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      parallelism: z.int(),
      maxParallelism: z.int(),
      // A source counts what it reads as taken in; before the first report of a TaskManager there is nothing, or 0.
      metrics: z.object({ 'read-records': z.number().nullish(), 'write-records': z.number().nullish() }).nullish(),
    }),
  ),
});

const throwable = z.object({ 'stack-trace': z.string() });

export const executionResult = z.object({ 'job-execution-result': z.object({ 'failure-cause': throwable.nullish() }).nullish() });

export const exceptions = z.object({ exceptionHistory: z.object({ entries: z.array(z.object({ stacktrace: z.string() })) }) });

export const checkpoints = z.object({
  counts: z.object({ completed: count, failed: count }),
  latest: z
    .object({
      completed: z
        .object({
          external_path: z.string().nullish(),
          latest_ack_timestamp: z.number(),
          state_size: z.number(),
          end_to_end_duration: z.number(),
        })
        .nullish(),
    })
    .nullish(),
});

export const jars = z.object({ files: z.array(z.object({ id: z.string(), name: z.string() })) });

/** `filename` is the path on the JobManager; its last part is the jar's id. */
export const uploaded = z.object({ filename: z.string().regex(/[^/\\]$/), status: z.literal('success') });

/** 2.0 and later answer with the application's id besides. */
export const started = z.object({ jobid: z.string() });

export const triggered = z.object({ 'request-id': z.string() });

export const savepointStatus = z.object({
  status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
  operation: z.object({ location: z.string().nullish(), 'failure-cause': throwable.nullish() }).nullish(),
});

export const checkpointStatus = z.object({
  status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
  operation: z.object({ checkpointId: z.int().nullish(), 'failure-cause': throwable.nullish() }).nullish(),
});

export const resourceRequirements = z.record(z.string(), z.object({ parallelism: z.object({ lowerBound: z.int(), upperBound: z.int() }) }));

/** An empty object; anything else is not Flink's answer to a change. */
export const done = z.strictObject({});
