interface Kept {
  readonly job: string;
  readonly flinkJobId: string;
  readonly checkpointId: number;
  /** It is the savepoint of a stop. */
  readonly stops: boolean;
  /** How far its job had read. */
  readonly offset: number;
  /** Of the start's leader that has taken it. */
  readonly term: number;
}
interface Start {
  readonly job: string;
  readonly restoredFrom: string | undefined;
  /** How far that had read. */
  readonly from: number;
  /** How far it has read. */
  read: number;
  /** How far it had read at the newest checkpoint or savepoint that it goes back to, and the number of that. */
  safe: number;
  safeId: number;
  /** How far what it has read is counted, by itself or by those that it goes on from. */
  counted: number;
  /** How often another JobManager took it over, and from where on it has read again since. */
  term: number;
  base: number;
}

/**
 * What the user of a stream sees: which of the records that a job reads have been counted in its output. A start counts what it has read when it completes
 * a checkpoint (Flink's sinks commit then); a start that is restored goes on from where the checkpoint was taken. So whoever counts records that somebody
 * else has counted since, counts them twice.
 */
export class Ledger {
  readonly broken: string[] = [];
  private readonly kept = new Map<string, Kept>();
  private readonly starts = new Map<string, Start>();
  /** By job: how far its records are counted. */
  private readonly counted = new Map<string, number>();
  /** By job: the furthest state that is known to be complete. */
  private readonly newest = new Map<string, { readonly location: string; readonly offset: number }>();

  started(flinkJobId: string, job: string, savepoint: string | undefined): void {
    if (this.starts.has(flinkJobId)) this.broken.push(`${job} was started twice as ${flinkJobId}`);
    const state = savepoint === undefined ? undefined : this.kept.get(savepoint);
    if (state && state.job !== job) this.broken.push(`${job} was restored from ${savepoint}, which is ${state.job}'s`);
    const origin = state && this.starts.get(state.flinkJobId);
    // A sink takes back what it has not committed when its start goes back behind it. One that never had a checkpoint has nothing else.
    if (state && origin && state.term < origin.term && state.offset > origin.base && origin.base > origin.from)
      this.broken.push(`${job} was restored from ${savepoint}, which its start had gone back behind`);
    const offset = state?.offset ?? 0;
    const newest = this.newest.get(job);
    if (newest && offset < newest.offset)
      this.broken.push(`${job} was started from ${savepoint ?? 'nothing'}, older than ${newest.location}, which is complete`);
    const counted = this.counted.get(job) ?? 0;
    if (offset < counted)
      this.broken.push(`${job} was started from ${savepoint ?? 'nothing'} (${offset}), records up to ${counted} are counted`);
    // A restored sink commits what its state has left open.
    this.counted.set(job, Math.max(counted, offset));
    this.starts.set(flinkJobId, {
      job,
      restoredFrom: savepoint,
      from: offset,
      read: offset,
      safe: offset,
      safeId: 0,
      counted: offset,
      term: 0,
      base: offset,
    });
  }

  /** Files and metadata of a checkpoint or savepoint are all in S3. */
  written(flinkJobId: string, location: string, what: Pick<Kept, 'checkpointId' | 'stops'>): void {
    const start = this.starts.get(flinkJobId);
    if (!start) return;
    start.read += 1;
    this.kept.set(location, { job: start.job, flinkJobId, offset: start.read, term: start.term, ...what });
  }

  /** Its JobManager has entered it as complete, or it is one that its job was being stopped with, and the sinks are told. */
  completed(location: string): void {
    const state = this.kept.get(location);
    const start = state && this.starts.get(state.flinkJobId);
    if (!state || !start) return;
    const newest = this.newest.get(state.job);
    if (!newest || newest.offset < state.offset) this.newest.set(state.job, { location, offset: state.offset });
    if (state.term < start.term && state.offset > start.base)
      this.broken.push(
        `${state.flinkJobId} of ${state.job} counts records ${start.base + 1} to ${state.offset} with ${location} of a former JobManager, and reads them again`,
      );
    if (state.checkpointId > start.safeId) Object.assign(start, { safe: state.offset, safeId: state.checkpointId });
    if (state.offset <= start.counted) return;
    const counted = this.counted.get(state.job) ?? 0;
    if (counted > start.counted && !this.isGoneOnFrom(location))
      this.broken.push(
        `${state.flinkJobId} of ${state.job} counts records ${start.counted + 1} to ${state.offset} with ${location}, of which ${counted - start.counted} were counted by another start`,
      );
    start.counted = state.offset;
    this.counted.set(state.job, Math.max(counted, state.offset));
  }

  /** Its JobManager went and came: it reads again from its last checkpoint on, or from the savepoint that it was being stopped with, and commits what that has left open. */
  recovered(flinkJobId: string): void {
    const start = this.starts.get(flinkJobId);
    if (!start) return;
    for (const [location, state] of this.kept)
      if (state.flinkJobId === flinkJobId && state.stops && state.checkpointId > start.safeId) {
        Object.assign(start, { safe: state.offset, safeId: state.checkpointId, counted: Math.max(start.counted, state.offset) });
        this.counted.set(start.job, Math.max(this.counted.get(start.job) ?? 0, state.offset));
        this.newest.set(start.job, { location, offset: state.offset });
      }
    start.read = start.safe;
    start.base = start.safe;
    start.term += 1;
    if (start.safe < start.counted)
      this.broken.push(`${flinkJobId} of ${start.job} reads records after ${start.safe} again, which it has counted`);
  }

  /** Whoever was restored from a state commits what it has left open: that it is committed once more changes nothing. */
  private isGoneOnFrom(location: string): boolean {
    return [...this.starts.values()].some(({ restoredFrom }) => restoredFrom === location);
  }
}
