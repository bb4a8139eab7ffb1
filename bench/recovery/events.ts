import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What one instance of a subtask has said of itself (`job/…/Ledger.java`). Times in ms since 1970. */
export interface TaskInstance {
  readonly subtask: number;
  readonly openedAt: number;
  readonly restored: boolean;
  readonly firstAt?: number;
  /** When it was told that a checkpoint, or the savepoint of a stop, is complete: then a sink commits. */
  readonly toldAt: readonly number[];
  /** Numbers that were not the next of their key: something was lost or counted twice. */
  readonly wrong: number;
}

export const parseInstance = (text: string): TaskInstance | undefined => {
  const lines = text.split('\n').map((line) => line.split(' '));
  const [open] = lines.filter(([what]) => what === 'OPEN');
  if (!open) return undefined;
  const first = lines.find(([what]) => what === 'FIRST');
  return {
    subtask: Number(open[2]),
    openedAt: Number(open[1]) / 1_000,
    restored: open[3] === 'true',
    ...(first ? { firstAt: Number(first[1]) / 1_000 } : {}),
    toldAt: lines.filter(([what]) => what === 'TOLD').map(([, at]) => Number(at) / 1_000),
    wrong: lines.filter(([what]) => what === 'WRONG').length,
  };
};

export const readInstances = (directory: string): readonly TaskInstance[] =>
  readdirSync(directory).flatMap((file) => parseInstance(readFileSync(join(directory, file), 'utf8')) ?? []);

/** What came after a fault. ms after it. */
export interface Recovery {
  /** The last subtask has its state again. */
  readonly restored: number;
  /** The first record of a restarted subtask, and the first of the last of them. */
  readonly firstRecord: number;
  readonly allSubtasks: number;
  /** How often the job was started until it stayed. */
  readonly attempts: number;
  readonly wrong: number;
  /** Instances that came up without their state: all was lost. */
  readonly stateless: number;
}

/**
 * The newest instance of each subtask is the one that stayed; what an earlier attempt processed was done again.
 * @returns undefined while a subtask is missing
 */
export const recoveryAfter = (faultAt: number, instances: readonly TaskInstance[], parallelism: number): Recovery | undefined => {
  const after = instances.filter(({ openedAt }) => openedAt > faultAt);
  const stayed = Array.from({ length: parallelism }, (_, subtask) =>
    after
      .filter((one) => one.subtask === subtask)
      .reduce<TaskInstance | undefined>((a, b) => (a && a.openedAt > b.openedAt ? a : b), undefined),
  );
  const firsts = stayed.flatMap((one) => one?.firstAt ?? []);
  if (firsts.length < parallelism) return undefined;
  return {
    restored: Math.max(...stayed.map((one) => one?.openedAt ?? 0)) - faultAt,
    firstRecord: Math.min(...firsts) - faultAt,
    allSubtasks: Math.max(...firsts) - faultAt,
    attempts: Math.max(...stayed.map((_, subtask) => after.filter((one) => one.subtask === subtask).length)),
    wrong: instances.reduce((sum, { wrong }) => sum + wrong, 0),
    stateless: after.filter(({ restored }) => !restored).length,
  };
};
