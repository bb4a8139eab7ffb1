import type { Operation, Phase } from '../../../lambdas/contracts/operation';
import { moveOf } from '../../../lambdas/domain/move';
import { anOperation } from '../../contract/support/samples';

const trigger = { kind: 'zone-event', evidence: 'AWS says so' } as const;
const request: Operation['request'] = { kind: 'fail-over-cluster', from: 'us-east-1a', zone: 'us-east-1b', avoid: ['us-east-1a'], trigger };
const phase = (name: string, outcome: Phase['outcome']): Phase => ({
  name,
  outcome,
  startedAt: '2026-03-01T12:00:00.000Z',
  attempts: 1,
  reason: '',
});
const moved = (...phases: Phase[]) => moveOf(anOperation({ kind: 'fail-over-cluster', request, phases, status: 'FAILED' }));

test('a failover is a move, from where to where and by what', () => {
  expect(moved()).toMatchObject({ from: 'us-east-1a', to: 'us-east-1b', avoid: ['us-east-1a'], trigger: 'zone-event', status: 'FAILED' });
});

test('neither what only tidies up nor any other operation is one', () => {
  expect(moveOf(anOperation({ kind: 'fail-over-cluster', request: { ...request, cleansOnly: true } }))).toBeUndefined();
  expect(moveOf(anOperation())).toBeUndefined();
});

test.each<[string, Phase[], { readonly helped: boolean; readonly givenBack: boolean }]>([
  ['its jobs were seen running', [phase('Look at the jobs', 'ok')], { helped: true, givenBack: false }],
  ['its jobs were not seen running in time', [phase('Look at the jobs', 'failed')], { helped: false, givenBack: false }],
  ['it was given back', [phase('Give back', 'ok')], { helped: false, givenBack: true }],
  ['it could not be given back', [phase('Give back', 'failed')], { helped: false, givenBack: false }],
])('what became of it: %s', (_, phases, became) => {
  expect(moved(...phases)).toMatchObject(became);
});
