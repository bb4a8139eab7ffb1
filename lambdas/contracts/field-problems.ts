import type { z } from 'zod';
import type { FieldProblem } from './errors';

/** Schema issues as field problems: paths as a caller writes them, one problem for each unknown field. */
export const fieldProblems = (issues: readonly z.core.$ZodIssue[], where: string): readonly FieldProblem[] =>
  issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message: 'is not a field that is known here' }));
    const message = issue.code === 'invalid_type' && issue.message.endsWith('received undefined') ? 'is required' : issue.message;
    return [{ path: path === '' ? where : path, message }];
  });
