import * as z from 'zod';

/** What a drill that is asked for now and one by a schedule have in common; `contracts/api.ts` says what each means. */
export const drillOn = z.enum(['cluster', 'copy']);
export const failoverMode = z.enum(['planned', 'lost']);
export type FailoverMode = z.infer<typeof failoverMode>;
export const rehearsalArguments = z.array(z.string().max(10_000)).max(200);

/** Fields that a drill of the other kind would not heed. */
export const onlyWhereItBelongs = (
  drill: { readonly on?: z.infer<typeof drillOn> | undefined; readonly mode?: unknown; readonly jobs?: unknown },
  context: z.RefinementCtx,
): void => {
  const [misplaced, wanted] = drill.on === 'copy' ? (['mode', 'cluster'] as const) : (['jobs', 'copy'] as const);
  if (drill[misplaced] !== undefined)
    context.addIssue({ code: 'custom', path: [misplaced], message: `goes with on: "${wanted}", and only with it` });
};
