import { FakeFlink, type StartRequest } from '../fakes/fake-flink';
import { flinkSuite } from './support/flink-suite';

/** The counter example's modes, as the fake is to play them. */
function counter({ arguments: args = [], entryClass, savepoint, allowNonRestoredState, flinkConfiguration, script }: StartRequest) {
  const mode = args[1] ?? 'run';
  if (entryClass === 'no.such.Klass') return { does: 'reject', reason: 'no such class in the jar: no.such.Klass' } as const;
  if (flinkConfiguration['execution.checkpointing.interval'] === '7 parsecs')
    return { does: 'reject', reason: "Could not parse value '7 parsecs' for key 'execution.checkpointing.interval'." } as const;
  if (script?.includes('nope'))
    return { does: 'reject', reason: "From line 4, column 10 to line 4, column 13: Column 'nope' not found" } as const;
  if (mode === 'main-fails') return { does: 'reject', reason: 'IllegalStateException: the orders table is not there' } as const;
  if (mode === 'twice') return { does: 'reject', reason: 'Cannot have more than 1 streaming jobs in a single environment.' } as const;
  if (mode === 'fail') return { does: 'fail', reason: 'IllegalArgumentException: number 0 is not a valid order' } as const;
  if (mode === 'other-state' && savepoint && !allowNonRestoredState)
    return { does: 'fail', reason: 'Cannot map checkpoint/savepoint state for operator' } as const;
  return { does: mode === 'finish' ? 'finish' : 'run' } as const;
}

describe('The fake Flink', () => {
  const fake = new FakeFlink({ taskManagers: 2, slotsPerTaskManager: 2 });
  fake.behaviour = counter;
  flinkSuite(() => ({
    flink: fake,
    jar: Buffer.from('jar'),
    directory: 's3://state/savepoints',
    checkpoint: async (flinkJobId) => void fake.completeCheckpoint(flinkJobId),
    breakStops: (broken) => {
      fake.savepoints = broken ? 'stop-fails' : 'succeed';
    },
  }));
});
