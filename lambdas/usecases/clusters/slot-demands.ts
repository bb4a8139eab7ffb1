import type { Job } from '../../contracts/job';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { SlotDemand } from '../../domain/capacity';
import { isJobOver } from '../../domain/job-lifecycle';
import { placesTasks } from '../../domain/places-tasks';
import type { StorePort } from '../../gateways/aws/store.port';
import { allJobs } from '../operations/owned';

/**
 * `grow`: hosts are made for the own change and for those of others under way. `wait`: only what the own change needs is waited for.
 * `shrink`: the own change has been made, or is given up, so only what is stored of the job counts; hosts for others' changes stay.
 */
export type DemandFor = 'grow' | 'wait' | 'shrink';

/** The operation that asks; only its cluster, where nothing is to be changed. */
export type Asking = Pick<Operation, 'cluster'> & Partial<Pick<Operation, 'job' | 'kind' | 'request'>>;

/**
 * Slots that the jobs of the operation's cluster need: those that run or shall, and what changes will make of them.
 * A change that makes a job larger counts at once; one that makes it smaller counts when the job is smaller.
 */
export const slotDemands = async (store: StorePort, operation: Asking, purpose: DemandFor): Promise<readonly SlotDemand[]> => {
  const jobs = await allJobs(store, operation.cluster);
  const counted = jobs.filter((job) => shallRun(job) && !(purpose === 'shrink' && isWithdrawn(job, operation)));
  const wanted = async (job: Job): Promise<number> => {
    if (job.name === operation.job) return purpose === 'shrink' || !operation.request ? 0 : wantedBy(operation.request);
    return purpose === 'wait' ? 0 : wantedByAnother(store, job);
  };
  return Promise.all(counted.map(async (job) => ({ job: job.name, slots: Math.max(slotsOf(job.spec), await wanted(job)) })));
};

/** Also of a failed move, which left it waiting for the next one. */
const shallRun = ({ desired, status, interrupted }: Job): boolean =>
  desired === 'RUNNING' && (!isJobOver(status) || interrupted !== undefined);

/** The job of a submission that gives back its hosts did not start, that of a stop has ended: its status says so when the operation ends. */
const isWithdrawn = (job: Job, operation: Asking): boolean =>
  job.name === operation.job && (operation.kind === 'submit-job' || operation.kind === 'stop-job');

/** What another operation that holds the job is about to make of it, or may have to make of it again: its hosts may be on their way. */
const wantedByAnother = async (store: StorePort, job: Job): Promise<number> => {
  const holder = await holderOf(store, job);
  return holder ? Math.max(wantedBy(holder.request), placesTasks(holder) ? goesBackTo(holder.request, job) : 0) : 0;
};

/** Slots of what the job is made again when a change fails that is stored of it by now. */
const goesBackTo = (request: OperationRequest, { previousSpec }: Job): number => {
  if (request.kind === 'scale-job') return request.slots.before;
  if (request.kind === 'rescale-job') return request.slotsBefore ?? 0;
  return request.kind === 'upgrade-job' && previousSpec !== undefined ? slotsOf(previousSpec) : 0;
};

/** The operation under way that holds a job. */
export const holderOf = async (store: StorePort, { lease }: Job): Promise<Operation | undefined> => {
  const holder = lease && (await store.operation(lease.operationId));
  return holder?.status === 'PENDING' || holder?.status === 'RUNNING' ? holder : undefined;
};

const wantedBy = (request: OperationRequest): number => {
  if (request.kind === 'rescale-job') return request.parallelism;
  if (request.kind === 'scale-job') return request.direction === 'out' ? request.slots.after : 0;
  return request.kind === 'upgrade-job' ? slotsOf(request.spec) : 0;
};

/** Whether a change makes a job larger: others that are decided at the same moment must not take the same room. */
export const takesRoom = (request: OperationRequest, { spec }: Job): boolean => wantedBy(request) > slotsOf(spec);

/** Slots that a job occupies: those of its largest vertex, unless a scaling decision, which knows its slot sharing groups, says so. */
export const slotsOf = ({ scaled, parallelism }: Job['spec']): number => scaled?.slots ?? parallelism;
