import { keepUntil, snapshotsBeyond } from '../../../lambdas/domain/volume-snapshots';

const NOW = '2026-03-10T12:00:00.000Z';
const snapshot = (operationId: string, at: string, cluster = 'flights') => ({
  id: `${operationId} ${at}`,
  cluster,
  operationId,
  at: `2026-03-${at}:00.000Z`,
  keepUntil: keepUntil(`2026-03-${at}:00.000Z`, { days: 7 }),
});
const beyond = (snapshots: readonly ReturnType<typeof snapshot>[], keep: number | undefined) =>
  snapshotsBeyond(snapshots, new Map([['flights', keep]]), NOW).map(({ id }) => id);

const MOVES = [snapshot('op-1', '08T10:00'), snapshot('op-1', '08T10:01'), snapshot('op-2', '09T10:00'), snapshot('op-3', '10T10:00')];

describe('snapshots of volumes', () => {
  it.each([
    [3, []],
    [2, ['op-1 08T10:00', 'op-1 08T10:01']],
    [1, ['op-1 08T10:00', 'op-1 08T10:01', 'op-2 09T10:00']],
    [undefined, []],
  ])('of the newest %s moves of a cluster are kept, all of a move together', (keep, gone) => {
    expect(beyond(MOVES, keep)).toEqual(gone);
  });

  it('go when their days are over, also of a cluster that is gone', () => {
    expect(beyond([snapshot('op-0', '03T11:59'), snapshot('op-4', '03T12:01')], 5)).toEqual(['op-0 03T11:59']);
    expect(beyond([snapshot('op-0', '03T11:59', 'gone')], 5)).toEqual(['op-0 03T11:59']);
  });

  it('of one cluster do not count for another', () => {
    expect(beyond([snapshot('op-9', '10T11:00', 'orders'), ...MOVES.slice(3)], 1)).toEqual([]);
  });
});
