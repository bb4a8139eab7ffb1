import type { FieldProblem } from '../contracts/errors';

/**
 * Largest part of a spec that is kept in the table, bytes as JSON. An item holds 400 KB, and a job keeps its present and its former spec
 * while an upgrade is under way.
 */
export const SPEC_PART_MAX_BYTES = 64_000;

/** @param parts by path. */
export const tooLarge = (parts: Readonly<Record<string, unknown>>): readonly FieldProblem[] =>
  Object.entries(parts).flatMap(([path, part]) => {
    const bytes = Buffer.byteLength(JSON.stringify(part ?? null));
    return bytes <= SPEC_PART_MAX_BYTES ? [] : [{ path, message: `has ${bytes} bytes, at most ${SPEC_PART_MAX_BYTES} are kept` }];
  });
