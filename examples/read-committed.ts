import { Consumer, FetchIsolationLevels, type RecordsBatch } from '@platformatic/kafka';

export interface ReadOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** Called for the value of every committed record from the topic's beginning, in each partition's order. */
  readonly onValue: (value: Buffer) => void;
  /** Called after every look, also an empty one; true ends the reading. */
  readonly done: (look: { readonly rows: number; readonly atEnd: boolean }) => boolean;
  readonly signal?: AbortSignal;
}

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/**
 * Reads a topic as `read_committed` does. The client's own filter lets records of an aborted transaction through when its marker is not
 * in the same answer, so the filter is here; it follows the abort index that the broker sends with each answer, as Kafka's own client does.
 * @returns rows read
 */
export async function readCommitted({ bootstrapServers, topic, onValue, done, signal }: ReadOptions): Promise<number> {
  const consumer = new Consumer({ clientId: `${topic}-reader`, groupId: `${topic}-reader`, bootstrapBrokers: bootstrapServers.split(',') });
  let rows = 0;
  try {
    const metadata = await consumer.metadata({ topics: [topic] });
    const { id, partitions } = metadata.topics.get(topic) ?? { id: '', partitions: [] };
    const positions = partitions.map(({ leader }, partition) => ({ partition, leader, offset: 0n, end: 0n }));
    if (positions.length === 0) throw new Error(`Kafka has no topic ${topic}`);
    for (;;) {
      signal?.throwIfAborted();
      for (const node of new Set(positions.map(({ leader }) => leader))) {
        const wanted = positions.filter(({ leader }) => leader === node);
        const answer = await consumer.fetch({
          node,
          minBytes: 1,
          maxWaitTime: 250,
          maxBytes: 8_000_000,
          isolationLevel: FetchIsolationLevels.READ_COMMITTED,
          topics: [{ topicId: id, partitions: wanted.map(({ partition, offset }) => request(partition, offset)) }],
        });
        for (const part of answer.responses.flatMap((response) => response.partitions)) {
          const position = positions[part.partitionIndex];
          if (!position) continue;
          for (const record of committed(part.records ?? [], part.abortedTransactions)) {
            if (record.offset < position.offset) continue;
            onValue(record.value);
            rows += 1;
          }
          const last = part.records?.at(-1);
          if (last) position.offset = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
          position.end = part.lastStableOffset;
        }
      }
      if (done({ rows, atEnd: positions.every(({ offset, end }) => offset >= end) })) return rows;
    }
  } finally {
    await consumer.close(true);
  }
}

function request(partition: number, fetchOffset: bigint) {
  return { partition, fetchOffset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 4_000_000 };
}

interface Aborted {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Values of the committed records of one answer. */
export function* committed(batches: readonly RecordsBatch[], aborted: readonly Aborted[]): Generator<{ offset: bigint; value: Buffer }> {
  const ahead = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const open = new Set<bigint>();
  for (const batch of batches) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (ahead[0] && ahead[0].firstOffset <= last) open.add((ahead.shift() as Aborted).producerId);
    if (batch.attributes & CONTROL) {
      // Type 0 is an abort marker.
      if (batch.records[0]?.key?.readInt16BE(2) === 0) open.delete(batch.producerId);
      continue;
    }
    if (batch.attributes & TRANSACTIONAL && open.has(batch.producerId)) continue;
    for (const { offsetDelta, value } of batch.records) if (value) yield { offset: batch.firstOffset + BigInt(offsetDelta), value };
  }
}
