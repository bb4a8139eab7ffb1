import * as errors from '../../../lambdas/contracts/errors';
import { PLATFORM_FAILURES } from '../../../lambdas/domain/describe-failure';
import { INTERRUPTED } from '../../../lambdas/domain/operation-end';
import { runbookSections } from '../../infra/support/runbook';

/** Only a caller of the API hears of the first; the second is told as `FlinkUnavailable` where it could not be helped. */
const OF_NO_OPERATION = ['IdempotencyKeyReused', 'JarMissing'];

test('the runbook explains each name that the error of an operation can have, and no other', () => {
  const rows = (runbookSections().get('an-operation-has-failed') ?? '').split('\n').filter((line) => line.startsWith('| `'));
  const explained = rows.slice(1).flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const known = [...Object.keys(errors), ...Object.keys(PLATFORM_FAILURES), INTERRUPTED];
  expect(known).toEqual(expect.arrayContaining(OF_NO_OPERATION));
  expect([...explained].sort()).toEqual(known.filter((name) => !OF_NO_OPERATION.includes(name)).sort());
});
