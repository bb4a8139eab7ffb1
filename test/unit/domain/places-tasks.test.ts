import type { Operation, OperationKind } from '../../../lambdas/contracts/operation';
import { placesTasks } from '../../../lambdas/domain/places-tasks';
import { definitionOf } from '../../state-machines/support/interpreter';

/** The operation when it has come as far as this state, by the order in which its workflow begins. */
const at = (kind: OperationKind, states: readonly string[], direction: 'out' | 'in' = 'out') =>
  ({
    kind,
    request: kind === 'scale-job' ? { kind, direction } : { kind },
    phases: states.map((name) => ({ name })),
  }) as unknown as Operation;

describe('tasks come onto hosts', () => {
  const never: OperationKind[] = [
    'launch-cluster',
    'terminate-cluster',
    'stop-job',
    'take-savepoint',
    'set-scaling',
    'fail-over-cluster',
    'prepare-reserve',
    'replace-host',
  ];
  test.each(never)('by no state of %s that hosts would have to wait for', (kind) => {
    expect(placesTasks(at(kind, Object.keys(definitionOf(kind).States)))).toBe(false);
  });

  test.each<[OperationKind, 'out' | 'in', readonly (readonly [string, boolean])[]]>([
    [
      'submit-job',
      'out',
      [
        ['Begin submission', true],
        ['Ensure capacity', true],
        ['Look at the job', true],
      ],
    ],
    [
      'upgrade-job',
      'out',
      [
        ['Ensure capacity', false],
        ['Stop previous version', false],
        ['Look at the savepoint', false],
        ['Start new version', true],
        ['Look at the job', true],
      ],
    ],
    [
      'upgrade-job',
      'out',
      [
        ['Withdraw new version', false],
        ['Go back to the previous version', true],
        ['Look at the previous version', true],
      ],
    ],
    [
      'scale-job',
      'out',
      [
        ['Ensure capacity', false],
        ['Look for slots', false],
        ['Change parallelism', true],
        ['Look at the job', true],
        ['Look for a checkpoint', false],
        ['Restore parallelism', true],
        ['Look for idle hosts', true],
      ],
    ],
    [
      'scale-job',
      'in',
      [
        ['Look again at the decision', false],
        ['Change parallelism', true],
        ['Look at the job', true],
        ['Look for a checkpoint', true],
        ['Look for occupied slots', false],
        ['Take a last checkpoint', false],
      ],
    ],
    [
      'rescale-job',
      'out',
      [
        ['Ensure capacity', false],
        ['Change parallelism', true],
        ['Look at the job', true],
        ['Restore parallelism', true],
      ],
    ],
    [
      'rescale-job',
      'in',
      [
        ['Change parallelism', true],
        ['Look at the job', true],
        ['Look for occupied slots', false],
        ['Take a checkpoint', false],
      ],
    ],
  ])('by %s (%s) from one state to another', (kind, direction, states) => {
    const { States } = definitionOf(kind);
    const passed: string[] = [];
    for (const [name, places] of states) {
      expect(Object.keys(States)).toContain(name);
      passed.push(name);
      expect({ name, places: placesTasks(at(kind, passed, direction)) }).toEqual({ name, places });
    }
  });
});
