import * as z from 'zod';
import { type Cluster, cluster } from '../../../contracts/cluster';
import { type ShiftedZone, shiftedZone } from '../../../contracts/events';
import { type Job, job, type Snapshot, snapshot } from '../../../contracts/job';
import { type Operation, operation, type Phase, phase } from '../../../contracts/operation';
import { clusterKey, jobKey, openKey, operationIndexKey, operationKey, snapshotIndexKey, snapshotKey, zoneKey } from './keys';

export type StoredItem = Record<string, unknown>;

/**
 * Phases are kept in four maps by phase name, because each can then be changed by one update without reading: `if_not_exists` keeps the first
 * start, two counters add up, and the newest look replaces the last. Two writers at once lose nothing.
 */
const storedPhases = z.object({
  phaseStarts: z.record(z.string(), z.string()),
  phaseBegun: z.record(z.string(), z.number()),
  phaseDone: z.record(z.string(), z.number()),
  phaseSeen: z.record(z.string(), phase.pick({ endedAt: true, outcome: true, reason: true })),
});

export const emptyPhases: z.infer<typeof storedPhases> = { phaseStarts: {}, phaseBegun: {}, phaseDone: {}, phaseSeen: {} };

const phasesOf = (item: StoredItem): Phase[] => {
  const { phaseStarts, phaseBegun, phaseDone, phaseSeen } = storedPhases.parse(item);
  return Object.entries(phaseSeen)
    .map(([name, seen]) => {
      // An attempt is written when it begins, or when it is done, or both: the higher count is the number of attempts.
      const attempts = Math.max(phaseBegun[name] ?? 0, phaseDone[name] ?? 0, 1);
      return { name, startedAt: phaseStarts[name] ?? '', ...seen, attempts };
    })
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.name < b.name ? -1 : 1)) as Phase[];
};

export const clusterItem = (given: Cluster): StoredItem => ({ ...clusterKey(given.name), ...given });
export const jobItem = (given: Job): StoredItem => ({ ...jobKey(given.cluster, given.name), ...given });
export const operationItem = ({ phases: _, ...given }: Operation): StoredItem => ({
  ...operationKey(given.operationId),
  ...operationIndexKey(given.cluster, given.requestedAt, given.operationId),
  ...given,
  ...emptyPhases,
});
export const openItem = (operationId: string): StoredItem => ({ ...openKey(operationId), operationId });
export const shiftedZoneItem = (given: ShiftedZone): StoredItem => ({ ...zoneKey(given.zone), ...given });
export const snapshotItem = (given: Snapshot): StoredItem => ({
  ...snapshotKey(given.cluster, given.job, given.location),
  ...snapshotIndexKey(given.cluster, given.job, given.takenAt, given.location),
  ...given,
});

// The schemas leave out what they do not name: keys, index keys, TTL.
export const readCluster = (item: StoredItem): Cluster => cluster.parse(item);
export const readJob = (item: StoredItem): Job => job.parse(item);
export const readShiftedZone = (item: StoredItem): ShiftedZone => shiftedZone.parse(item);
export const readSnapshot = (item: StoredItem): Snapshot => snapshot.parse(item);
export const readOperation = (item: StoredItem): Operation => operation.parse({ ...item, phases: phasesOf(item) });
