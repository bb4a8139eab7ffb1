import type { VertexSeen } from '../../contracts/scaling';

export interface JobGraph {
  readonly byId: ReadonlyMap<string, VertexSeen>;
  readonly consumers: ReadonlyMap<string, readonly VertexSeen[]>;
  /** Inputs before their consumers. Vertices on a circle, which Flink does not have, come last. */
  readonly ordered: readonly VertexSeen[];
}

export const jobGraph = (vertices: readonly VertexSeen[]): JobGraph => {
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  const consumers = new Map<string, VertexSeen[]>(vertices.map(({ id }) => [id, []]));
  const open = new Map<string, number>();
  for (const vertex of byId.values()) {
    const inputs = new Set(vertex.inputs.map((input) => input.vertex).filter((id) => byId.has(id)));
    for (const id of inputs) consumers.get(id)?.push(vertex);
    open.set(vertex.id, inputs.size);
  }
  const ordered = [...byId.values()].filter(({ id }) => open.get(id) === 0);
  for (let next = 0; next < ordered.length; next += 1)
    for (const consumer of consumers.get(ordered[next]?.id ?? '') ?? []) {
      const left = (open.get(consumer.id) ?? 0) - 1;
      open.set(consumer.id, left);
      if (left === 0) ordered.push(consumer);
    }
  const seen = new Set(ordered.map(({ id }) => id));
  return { byId, consumers, ordered: [...ordered, ...[...byId.values()].filter(({ id }) => !seen.has(id))] };
};

/**
 * Vertices that must have the same parallelism: a forward connection sends to one fixed subtask, so that with a different number of
 * subtasks some would get nothing.
 */
export const forwardGroups = ({ byId, ordered }: JobGraph): readonly (readonly VertexSeen[])[] => {
  const leader = new Map(ordered.map(({ id }) => [id, id]));
  const find = (id: string): string => {
    let at = id;
    for (let up = leader.get(at) ?? at; up !== at; up = leader.get(at) ?? at) at = up;
    return at;
  };
  for (const { id, inputs } of ordered)
    for (const { vertex, ship } of inputs) if (ship === 'forward' && byId.has(vertex)) leader.set(find(id), find(vertex));
  const groups = new Map<string, VertexSeen[]>();
  for (const vertex of ordered) {
    const key = find(vertex.id);
    groups.set(key, [...(groups.get(key) ?? []), vertex]);
  }
  return [...groups.values()];
};

export type Parallelism = Readonly<Record<string, number>>;

export const raises = (from: Parallelism, to: Parallelism): boolean => Object.keys(to).some((id) => (to[id] ?? 0) > (from[id] ?? 0));
export const lowers = (from: Parallelism, to: Parallelism): boolean => Object.keys(to).some((id) => (to[id] ?? 0) < (from[id] ?? 0));

/** Slots that a job occupies: its slot sharing groups each as many as their largest vertex has subtasks. */
export const slotsFor = (vertices: Iterable<VertexSeen>, parallelism: Parallelism): number => {
  const groups = new Map<string, number>();
  for (const { id, slotSharingGroup, parallelism: now } of vertices)
    groups.set(slotSharingGroup, Math.max(groups.get(slotSharingGroup) ?? 0, parallelism[id] ?? now));
  return [...groups.values()].reduce((sum, slots) => sum + slots, 0);
};
