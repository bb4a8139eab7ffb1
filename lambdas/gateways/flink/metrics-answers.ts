import * as z from 'zod';
import { jobState } from './answers';

/** Flink writes NaN as a string, and leaves a figure out that it does not have. */
const figure = z
  .union([z.number(), z.string().transform(Number)])
  .nullish()
  .transform((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null));
const count = z.int().min(0);

/** Of `GET /jobs/:id`. */
export const jobGraph = z.object({
  vertices: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      slotSharingGroupId: z.string().default('default'),
      parallelism: z.int(),
      maxParallelism: z.int(),
      tasks: z.object({ RUNNING: count, FINISHED: count }),
      metrics: z.object({ 'read-records-complete': z.boolean(), 'write-records-complete': z.boolean() }),
    }),
  ),
  state: jobState,
  plan: z.object({
    nodes: z.array(
      z.object({ id: z.string(), inputs: z.array(z.object({ id: z.string(), ship_strategy: z.string().default('') })).default([]) }),
    ),
  }),
});

/** Of `GET …/metrics?get=…` of a job: values are text. */
export const values = z.array(z.object({ id: z.string(), value: figure }));

/** Of aggregated metrics; `sum / mean` is the number of those that reported. */
export const aggregates = z.array(z.object({ id: z.string(), min: figure, max: figure, avg: figure, sum: figure }));
export type Aggregates = z.infer<typeof aggregates>;

export const names = z.array(z.object({ id: z.string() }));

/** Of `GET /jobs/:id/checkpoints`, newest first. */
export const checkpointHistory = z.object({
  counts: z.object({ failed: count }),
  history: z.array(z.object({ status: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']), is_savepoint: z.boolean() })).default([]),
  latest: z
    .object({
      completed: z.object({ latest_ack_timestamp: z.number(), state_size: z.number(), end_to_end_duration: z.number() }).nullish(),
    })
    .nullish(),
});
