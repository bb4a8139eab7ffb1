import { z } from 'zod';
import { operationId, s3Uri } from './names';

/** Input of every state machine. All else is in the table. */
export const workflowInput = z.object({ operationId });
export type WorkflowInput = z.infer<typeof workflowInput>;

/** Input of every task of a state machine; `phase` is the name of the state, as a person reads it. */
export const taskInput = z.object({ operationId, phase: z.string() });
export type TaskInput = z.infer<typeof taskInput>;

/**
 * Answer of every task that looks whether something awaited is there. `reason` is stored with the phase.
 * What can never come is thrown as an error of `errors.ts`.
 */
export const awaited = z.object({ ready: z.boolean(), reason: z.string() });
export type Awaited_ = z.infer<typeof awaited>;

/** What a Catch hands to the tasks that clean up and end an operation: Step Functions' error output. */
export const caught = z.object({ Error: z.string().optional(), Cause: z.string().optional() });
export type Caught = z.infer<typeof caught>;

export const endOperationInput = taskInput.extend({ outcome: z.enum(['succeeded', 'failed']), error: caught.optional(), note: z.string().optional() });
export type EndOperationInput = z.infer<typeof endOperationInput>;

export const savepointSeen = awaited.extend({ location: s3Uri.optional() });
export type SavepointSeen = z.infer<typeof savepointSeen>;
