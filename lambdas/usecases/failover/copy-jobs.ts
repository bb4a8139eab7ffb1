import type { Cluster } from '../../contracts/cluster';
import { ArtifactMismatch, ArtifactMissing, JobFailed } from '../../contracts/errors';
import type { Job, StoredJobSpec } from '../../contracts/job';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import { leaseUntil } from '../../domain/lease';
import { rehearsalOf } from '../../domain/sql-rehearsal';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { slotsOf } from '../clusters/slot-demands';
import { storeScript } from '../jobs/job-request';
import { readScript } from '../jobs/upload-artifact';
import { allJobs, ownCluster, type StoreDeps } from '../operations/owned';

type Deps = StoreDeps & { readonly artifacts: ArtifactsPort; readonly stage: Stage };
type Rehearsals = Extract<OperationRequest, { kind: 'drill-on-copy' }>['rehearsals'];

/**
 * Puts the running jobs of the cluster onto its copy, as a move would have taken them: with programs that write nowhere, to be started from the state of those that run.
 * What cannot be run so is left out, with the reason. @throws JobFailed where that is all of them
 */
export const copyJobs = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const copy = await ownCluster(deps, operation);
  const { request } = operation;
  if (request.kind !== 'drill-on-copy' || copy.copyOf === undefined) throw new Error(`operation ${operation.operationId} has no copy`);
  const said: string[] = [];
  let copied = 0;
  let slots = 0;
  for (const job of (await allJobs(deps.store, copy.copyOf)).filter(({ status }) => status === 'RUNNING')) {
    const program = await programOf(deps, copy.name, job, request.rehearsals[job.name]);
    const put = await copyOfJob(deps, operation, copy, job);
    if ('kind' in program) {
      copied += 1;
      slots += slotsOf(put.spec);
      await deps.store.copyJob({ ...put, spec: { ...put.spec, program } });
    } else {
      said.push(`${job.name} is left out: ${program.leftOut}`);
      const { interrupted: _, ...over } = put;
      await deps.store.copyJob({
        ...over,
        status: 'CANCELED',
        desired: 'STOPPED',
        statusReason: `Left out of the drill: ${program.leftOut}`,
      });
    }
  }
  if (copied === 0) throw new JobFailed(`no job can be rehearsed: ${said.join('; ') || 'none runs any more'}`);
  const there = copy.size.taskManagers.min * copy.size.slotsPerTaskManager;
  if (slots > there) said.push(`they have grown since: they need ${slots} slots, and ${there} are there`);
  return { reason: [`${copied} job${copied === 1 ? ' is' : 's are'} to start on ${copy.name}`, ...said].join('; ') };
};

const programOf = async (
  deps: Deps,
  copy: string,
  { name, spec: { program } }: Job,
  rehearsal: Rehearsals[string] | undefined,
): Promise<StoredJobSpec['program'] | { readonly leftOut: string }> => {
  if (program.kind === 'jar')
    return rehearsal && 'arguments' in rehearsal
      ? { ...program, arguments: rehearsal.arguments }
      : { leftOut: `a jar writes where its arguments say, and the drill has none for it (jobs.${name}.arguments)` };
  if (rehearsal && 'script' in rehearsal) return { kind: 'sql', ...rehearsal.script };
  try {
    const script = await readScript(deps.artifacts, program);
    const made = rehearsalOf(script, 'own');
    if (!made.ok) return { leftOut: `its script cannot be run so that it writes nowhere: ${made.problem} (jobs.${name}.script can)` };
    return { kind: 'sql', ...(await storeScript(deps, copy, name, made.script)) };
  } catch (error) {
    if (!(error instanceof ArtifactMissing || error instanceof ArtifactMismatch)) throw error;
    return { leftOut: error.message };
  }
};

/** Without what would raise alarms, scale it or keep its snapshots. State of a sink that it has not is dropped. */
const copyOfJob = async (
  { store }: Deps,
  { operationId, deadline, requestedAt }: Operation,
  copy: Cluster,
  { name, spec }: Job,
): Promise<Job> => {
  const epoch = ((await store.job(copy.name, name))?.epoch ?? 0) + 1;
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
