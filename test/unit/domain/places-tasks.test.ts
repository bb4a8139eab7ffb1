import type { Operation, OperationKind } from '../../../lambdas/contracts/operation';
import { hasPlacedSince, placesTasks } from '../../../lambdas/domain/places-tasks';
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

const TEN = '2026-11-30T10:00:00.000Z';
const after = (seconds: number): string => new Date(Date.parse(TEN) + seconds * 1_000).toISOString();
/** Its states with the seconds after ten at which they began. */
const since = (kind: OperationKind, begun: readonly (readonly [string, number])[], endedAfter?: number) =>
  ({
    kind,
    request: kind === 'scale-job' ? { kind, direction: 'in' } : { kind },
    phases: begun.map(([name, seconds]) => ({ name, startedAt: after(seconds) })),
    ...(endedAfter === undefined ? {} : { endedAt: after(endedAfter) }),
  }) as unknown as Operation;

test.each<[string, Operation, number, boolean]>([
  ['a submission that waits for hosts has put nothing onto any', since('submit-job', [['Ensure capacity', 0]]), 10, false],
  ['one whose job has just been started may have', since('submit-job', [['Start job', 0]]), 40, true],
  ['one whose start hangs has not, or it is seen', since('submit-job', [['Start job', 0]]), 50, false],
  ['one that had ended by then has not', since('submit-job', [['Start job', 0]], 5), 10, false],
  [
    'an upgrade goes by the last of its starts',
    since('upgrade-job', [
      ['Start new version', 0],
      ['Go back to the previous version', 100],
    ]),
    120,
    true,
  ],
  ['a rescale may for as long as it is carried out', since('scale-job', [['Change parallelism', 0]]), 300, true],
  [
    'it has not since it looked for occupied slots',
    since('scale-job', [
      ['Change parallelism', 0],
      ['Look for occupied slots', 20],
    ]),
    30,
    false,
  ],
  [
    'it has when that was later',
    since('scale-job', [
      ['Change parallelism', 0],
      ['Look for occupied slots', 20],
    ]),
    10,
    true,
  ],
  [
    'on its way back it may until it ends',
    since('scale-job', [
      ['Change parallelism', 0],
      ['Look for occupied slots', 20],
      ['Restore parallelism', 40],
    ]),
    60,
    true,
  ],
  ['not after its end', since('rescale-job', [['Change parallelism', 0]], 20), 30, false],
  ['tasks of a host that EC2 takes come onto others', since('replace-host', [['Empty host', 0]]), 30, true],
  ['not before it is emptied', since('replace-host', [['Take a checkpoint', 0]]), 30, false],
  ['a savepoint puts nothing onto hosts', since('take-savepoint', [['Ask for a savepoint', 0]]), 0, false],
])('%s', (_, operation, seconds, expected) => {
  expect(hasPlacedSince(operation, after(seconds))).toBe(expected);
});
