import * as z from 'zod';

/** What a drill asked for now and one by a schedule have in common. */

export const drillOn = z
  .enum(['cluster', 'copy'])
  .describe(
    'cluster: the running cluster is moved. copy: its jobs are started from their latest checkpoints on a copy of the cluster in the other zone, which reads the same input and is taken away at the end; the cluster itself runs on untouched. A copy costs as much as the cluster for some minutes. Default: cluster',
  );

export const drillMode = z
  .enum(['planned', 'lost'])
  .describe(
    'planned: jobs stop with a savepoint first; lost: as if the zone were lost, so that what came after the last checkpoint is processed again. Goes with on: "cluster"; on a copy it is always as if the zone were lost. Default: planned',
  );

export const rehearsalArguments = z
  .array(z.string().max(10_000))
  .max(200)
  .describe(
    'Arguments in place of those of its jar, with which the program reads the same input and writes nowhere. It must have no transactional sink at all: one that writes elsewhere still takes over, with its state, the transactions of the running job. A source of Kafka should not commit offsets (`commit.offsets.on.checkpoint` false)',
  );

export const REHEARSALS =
  'How jobs are rehearsed on a copy, by name. A SQL job needs nothing: the tables that its script inserts into become black holes. A jar is left out unless it is here, since it writes where its arguments say. Goes with on: "copy"';

/** Fields that a drill of the other kind would not heed. */
export const onlyWhereItBelongs = (
  drill: { readonly on?: z.infer<typeof drillOn> | undefined; readonly mode?: unknown; readonly jobs?: unknown },
  context: z.RefinementCtx,
): void => {
  const [misplaced, wanted] = drill.on === 'copy' ? (['mode', 'cluster'] as const) : (['jobs', 'copy'] as const);
  if (drill[misplaced] !== undefined)
    context.addIssue({ code: 'custom', path: [misplaced], message: `goes with on: "${wanted}", and only with it` });
};
