import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../../lambdas/contracts/api';
import { control } from '../../../local/client/control';
import { type Machine, Machines } from '../../../local/client/machines';
import { ApiError, SluiceClient } from '../../../local/client/sluice-client';
import { readSettings } from '../../../local/twin/settings';
import { readTwinFile } from '../../../local/twin/twin-file';

export const settings = readSettings();
export const twin = readTwinFile(settings);
/** Calls as the account's root, who may do everything. */
export const client = new SluiceClient(twin);

export const awsConfiguration = { endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials };

export interface Fault {
  readonly service: string;
  readonly action: string;
  readonly zone?: string;
  readonly instanceType?: string;
  readonly function?: string;
  readonly status?: number;
  readonly code?: string;
  readonly delayMs?: number;
  readonly count?: number;
}

/** Makes AWS fail while `work` runs, and works again afterwards whatever happened. */
export const withFaults = async <T>(faults: readonly Fault[], work: () => Promise<T>): Promise<T> => {
  await control(twin.awsEndpoint, 'POST', 'faults', faults);
  try {
    return await work();
  } finally {
    await control(twin.awsEndpoint, 'DELETE', 'faults');
  }
};

/** How often each fault has struck so far. */
export const faultHits = async (): Promise<readonly (Fault & { readonly hits: number })[]> => control(twin.awsEndpoint, 'GET', 'faults');

const fleet = new Machines(settings.stateDir);
/** The hosts of a cluster that run now. */
export const machines = (cluster: string, role?: 'jobmanager' | 'taskmanager'): Promise<Machine[]> => fleet.of(cluster, role);
/** A signal to everything on a host: SIGKILL is its sudden end, SIGSTOP lets it answer nothing. */
export const signalMachine = (one: Machine, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<unknown> => fleet.signal(one, signal);

/** Waits until `look` gives a value. @throws after `seconds`, naming what was awaited */
export const eventually = async <T>(what: string, seconds: number, look: () => Promise<T | undefined | false>): Promise<T> => {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(250);
  }
};

/** A cluster that test files share: launched by the first that needs it. One dev TaskManager, growing to three. */
export const SHARED = 'shared';

export const sharedCluster = async (): Promise<string> => {
  try {
    const found = await client.cluster(SHARED);
    if (found.status === 'RUNNING' && found.live) return SHARED;
    if (found.operation) await client.ended({ cluster: SHARED, operationId: found.operation.operationId });
    else if (found.status !== 'TERMINATED') await client.succeeded(await client.terminateCluster(SHARED, 'cancel'));
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
  await client.succeeded(await client.launchCluster({ name: SHARED, size: 'dev', overrides: { taskManagers: { min: 1, max: 3 } } }));
  return SHARED;
};

/** Cancels a job that a test leaves behind, if it is still there. */
export const cancelIfRunning = async (cluster: string, job: string): Promise<void> => {
  const answer = await client.call<OperationView>('POST', `/clusters/${cluster}/jobs/${job}/cancel`, { body: {} });
  if (answer.status === 202) await client.ended(answer.body);
};
