/** What of Flink's REST API the measurements need besides the product's own gateway: figures of single checkpoints and subtasks. */
export interface Checkpoints {
  readonly latest?: { readonly restored?: { readonly id: number; readonly restore_timestamp: number } | null };
  readonly history?: readonly {
    readonly id: number;
    readonly status: string;
    readonly trigger_timestamp: number;
    readonly latest_ack_timestamp: number;
  }[];
}

interface Vertex {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly metrics: { readonly 'read-records': number; readonly 'read-records-complete': boolean };
}

export interface JobDetail {
  readonly state: string;
  readonly vertices: readonly Vertex[];
}

interface Subtasks {
  readonly subtasks: readonly { readonly subtask: number; readonly status: string }[];
}

interface SubtaskTimes {
  readonly subtasks: readonly { readonly subtask: number; readonly timestamps: Readonly<Record<string, number>> }[];
}

export class JobRest {
  constructor(
    private readonly url: string,
    private readonly jobId: string,
  ) {}

  private async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}/jobs/${this.jobId}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`Flink answered ${answer.status} to ${path}`);
    return (await answer.json()) as T;
  }

  detail = (): Promise<JobDetail> => this.get('');
  checkpoints = (): Promise<Checkpoints> => this.get('/checkpoints');
  subtasks = (vertex: string): Promise<Subtasks> => this.get(`/vertices/${vertex}`);

  /** When each subtask came to each of its states, ms since 1970; 0 or less for a state that it was not in. */
  times = (vertex: string): Promise<SubtaskTimes> => this.get(`/vertices/${vertex}/subtasktimes`);

  /** Over the subtasks of a vertex; undefined where none has told yet. */
  async metric(vertex: string, name: string, aggregate: 'sum' | 'max' = 'sum'): Promise<number | undefined> {
    const [found] = await this.get<readonly Readonly<Record<string, number>>[]>(
      `/vertices/${vertex}/subtasks/metrics?get=${name}&agg=${aggregate}`,
    );
    return found?.[aggregate];
  }
}
