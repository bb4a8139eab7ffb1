import { z } from 'zod';

/** Two figures of Flink's own web page that are no part of the control plane's API: what the sources have read, and what waits for them. */
export interface SourceFigures {
  readonly read: number;
  readonly pending: number;
}

const metrics = z.array(z.object({ id: z.string(), sum: z.number().optional() }));
const plan = z.object({ vertices: z.array(z.object({ id: z.string(), name: z.string() })) });

const get = async <T>(schema: z.ZodType<T>, url: string): Promise<T> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return schema.parse(await response.json());
};

/** Sums over all subtasks of all sources. @returns undefined while the job has none, or the page does not answer */
export const readSources = async (page: string, flinkJobId: string): Promise<SourceFigures | undefined> => {
  try {
    const { vertices } = await get(plan, `${page}/jobs/${flinkJobId}`);
    const figures = await Promise.all(
      vertices
        .filter(({ name }) => name.startsWith('Source:'))
        .map(({ id }) => ofVertex(`${page}/jobs/${flinkJobId}/vertices/${id}/subtasks/metrics`)),
    );
    return figures.reduce((sum, one) => ({ read: sum.read + one.read, pending: sum.pending + one.pending }), { read: 0, pending: 0 });
  } catch {
    return undefined;
  }
};

const ofVertex = async (url: string): Promise<SourceFigures> => {
  const names = (await get(metrics, url)).map(({ id }) => id);
  const read = names.find((name) => /^Source.*\.numRecordsIn$/.test(name));
  const pending = names.find((name) => /^Source.*\.pendingRecords$/.test(name));
  const wanted = [read, pending].filter((name) => name !== undefined);
  if (wanted.length === 0) return { read: 0, pending: 0 };
  const values = new Map(
    (await get(metrics, `${url}?get=${encodeURIComponent(wanted.join(','))}&agg=sum`)).map(({ id, sum }) => [id, sum ?? 0]),
  );
  return { read: values.get(read ?? '') ?? 0, pending: Math.max(0, values.get(pending ?? '') ?? 0) };
};
