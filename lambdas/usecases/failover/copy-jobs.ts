import type { Cluster } from '../../contracts/cluster';
import { ArtifactMismatch, ArtifactMissing, JobFailed } from '../../contracts/errors';
import type { Job, StoredJobSpec } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { Awaited_ } from '../../contracts/workflow';
import { type Clock, later } from '../../domain/clock';
import { flinkJobIdOf, isOfEpoch } from '../../domain/flink-job-id';
import { leaseUntil } from '../../domain/lease';
import { rehearsalOf } from '../../domain/sql-rehearsal';
import { slotsOf } from '../clusters/slot-demands';
import { storeScript } from '../jobs/job-request';
import { readScript } from '../jobs/upload-artifact';
import { requireCluster } from '../operations/in-the-way';
import { allJobs, notYet, ownCluster } from '../operations/owned';
import { copyState, type StateCopied } from '../state/copy-state';
import type { FindStatesDeps } from '../state/find-states';
import type { Rehearsals } from './accept-copy-drill';

type Deps = FindStatesDeps & { readonly clock: Clock; readonly stage: Stage };

/** A task begins to copy nothing further after this time; the next one goes on. Seconds. */
const BUDGET_SECONDS = 60;

/**
 * Puts the running jobs of the cluster onto its copy, as a move would have taken them: with programs that write nowhere, to be started from a copy of the state of those that
 * run. What cannot be run so is left out, with the reason. Ready when all were put. @throws JobFailed where all were left out
 */
export const copyJobs = async (deps: Deps, operation: Operation): Promise<Awaited_> => {
  const copy = await ownCluster(deps, operation);
  const { request, operationId } = operation;
  if (request.kind !== 'drill-on-copy' || copy.copyOf === undefined) throw new Error(`operation ${operationId} has no copy`);
  const original = await requireCluster(deps.store, copy.copyOf);
  const until = later(deps.clock().toISOString(), BUDGET_SECONDS);
  for (const job of (await allJobs(deps.store, original.name)).filter(({ status }) => status === 'RUNNING')) {
    const previous = await deps.store.job(copy.name, job.name);
    // Put by a task before this one.
    if (previous?.lease?.operationId === operationId) continue;
    if (deps.clock().toISOString() > until) return notYet(operation, deps.clock, `Goes on with ${job.name}`);
    const put = copyOfJob(operation, copy, job, (previous?.epoch ?? 0) + 1);
    const made = await madeOf(
      deps,
      { original, copy, job, until },
      Object.hasOwn(request.rehearsals, job.name) ? request.rehearsals[job.name] : undefined,
    );
    if ('waits' in made) return notYet(operation, deps.clock, `${job.name}: ${made.waits}`);
    await deps.store.copyJob('leftOut' in made ? leftOut(put, made.leftOut) : startable(put, operation, made));
  }
  const jobs = (await allJobs(deps.store, copy.name)).filter((job) => isOfEpoch(copy, job));
  const copied = jobs.filter(({ interrupted }) => interrupted !== undefined);
  const said = jobs.filter(({ interrupted }) => interrupted === undefined).map(({ name, statusReason }) => `${name}: ${statusReason}`);
  if (copied.length === 0) throw new JobFailed(`no job can be rehearsed: ${said.join('; ') || 'none runs any more'}`);
  const slots = copied.reduce((sum, { spec }) => sum + slotsOf(spec), 0);
  const there = copy.size.taskManagers.min * copy.size.slotsPerTaskManager;
  const grown = slots > there ? [`they have grown since: they need ${slots} slots, and ${there} are there`] : [];
  const reason = [`${copied.length} job${copied.length === 1 ? ' is' : 's are'} to start on ${copy.name}`, ...grown, ...said].join('; ');
  return { ready: true, reason };
};

/** What a job is started with on the copy. */
interface Made {
  readonly program: StoredJobSpec['program'];
  readonly state: Extract<StateCopied, { readonly done: true }>;
}
type LeftOut = { readonly leftOut: string };

const madeOf = async (
  deps: Deps,
  { original, copy, job, until }: { readonly original: Cluster; readonly copy: Cluster; readonly job: Job; readonly until: string },
  rehearsal: Rehearsals[string] | undefined,
): Promise<Made | LeftOut | { readonly waits: string }> => {
  try {
    const program = await programOf(deps, copy.name, job, rehearsal);
    if ('leftOut' in program) return program;
    const state = await copyState(deps, { cluster: original, job }, copy.name, until);
    return state.done ? { program, state } : { waits: state.reason };
  } catch (error) {
    if (!(error instanceof ArtifactMissing || error instanceof ArtifactMismatch)) throw error;
    return { leftOut: error.message };
  }
};

const leftOut = ({ interrupted: _, ...job }: Job, why: string): Job => ({
  ...job,
  status: 'CANCELED',
  desired: 'STOPPED',
  statusReason: `Left out of the drill: ${why}`,
});

const startable = (job: Job, { operationId, requestedAt }: Operation, { program, state }: Made): Job => ({
  ...job,
  spec: { ...job.spec, program },
  statusReason: `${job.statusReason}; ${state.reason}`,
  interrupted: { by: operationId, at: requestedAt, ...(state.location === undefined ? {} : { savepoint: state.location }) },
  rehearsed: { stateChosenAt: state.chosenAt, ...(state.completedAt === undefined ? {} : { stateAt: state.completedAt }) },
});

const programOf = async (
  deps: Deps,
  copy: string,
  { name, spec: { program } }: Job,
  rehearsal: Rehearsals[string] | undefined,
): Promise<StoredJobSpec['program'] | LeftOut> => {
  if (program.kind === 'jar')
    return rehearsal && 'arguments' in rehearsal
      ? { ...program, arguments: rehearsal.arguments }
      : { leftOut: `a jar writes where its arguments say, and the drill has none for it (jobs.${name}.arguments)` };
  if (rehearsal && 'script' in rehearsal) return { kind: 'sql', ...rehearsal.script };
  const made = rehearsalOf(await readScript(deps.artifacts, program), 'own');
  if (!made.ok) return { leftOut: `its script cannot be run so that it writes nowhere: ${made.problem} (jobs.${name}.script can)` };
  return { kind: 'sql', ...(await storeScript(deps, copy, name, made.script)) };
};

/** Without what would raise alarms, scale it or keep its snapshots. State of a sink that it has not is dropped. */
const copyOfJob = ({ operationId, deadline, requestedAt }: Operation, copy: Cluster, { name, spec }: Job, epoch: number): Job => {
  const { scaling: _, source: __, retention: ___, ...kept } = spec;
  return {
    cluster: copy.name,
    name,
    spec: { ...kept, restore: { from: 'latest', allowNonRestoredState: true } },
    revision: 1,
    epoch,
    flinkJobId: flinkJobIdOf({ cluster: copy.name, clusterEpoch: copy.epoch, job: name, jobEpoch: epoch }),
    status: 'SUBMITTING',
    desired: 'RUNNING',
    statusReason: `To be rehearsed on a copy of ${copy.copyOf}`,
    lease: { operationId, acquiredAt: requestedAt, until: leaseUntil(deadline) },
    interrupted: { by: operationId, at: requestedAt },
    createdAt: requestedAt,
    updatedAt: requestedAt,
  };
};
