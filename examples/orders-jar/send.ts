import { setTimeout as sleep } from 'node:timers/promises';
import { ProduceAcks, Producer } from '@platformatic/kafka';
import { endOf, type LoadPoint, recordsUntil } from './profile';

export interface SendOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly profile: readonly LoadPoint[];
  /** How many customers there are. Orders go round them, so that no subtask has much more than another. @default 1000 */
  readonly customers?: number;
  readonly signal?: AbortSignal;
  /** Once aborted the profile is over. */
  readonly enough?: AbortSignal;
  readonly onProgress?: (progress: { readonly second: number; readonly sent: number }) => void;
}

/** Bytes of an order behind the customer's name. */
const REST = Buffer.alloc(1_000, '.').toString();
/** How often a second orders are sent. */
const TICKS = 10;

/**
 * Sends orders as the profile asks for them, each exactly once (idempotent producer). A tick that comes late sends what was missed.
 * @returns orders of each customer: what the job's answer must be
 */
export const sendOrders = async ({
  bootstrapServers,
  topic,
  profile,
  customers = 1_000,
  signal,
  enough,
  onProgress,
}: SendOptions): Promise<ReadonlyMap<string, number>> => {
  const producer = new Producer<Buffer, Buffer>({
    clientId: 'orders',
    bootstrapBrokers: bootstrapServers.split(','),
    idempotent: true,
    acks: ProduceAcks.ALL,
    retries: 10,
  });
  const orders = new Map<string, number>();
  let sent = 0;
  try {
    const partitions = (await producer.metadata({ topics: [topic] })).topics.get(topic)?.partitionsCount ?? 0;
    if (partitions === 0) throw new Error(`Kafka has no topic ${topic}`);
    const begun = performance.now();
    for (let second = 0; second < endOf(profile) && !enough?.aborted; ) {
      await sleep(1_000 / TICKS, undefined, signal ? { signal } : {});
      second = Math.min(endOf(profile), (performance.now() - begun) / 1_000);
      const due = Math.floor(recordsUntil(profile, second)) - sent;
      const messages = Array.from({ length: due }, (_, index) => {
        const customer = `customer-${(sent + index) % customers}`;
        return { topic, partition: (sent + index) % partitions, value: Buffer.from(`${customer}|${REST}`), customer };
      });
      if (messages.length > 0) await producer.send({ messages: messages.map(({ customer: _, ...message }) => message) });
      for (const { customer } of messages) orders.set(customer, (orders.get(customer) ?? 0) + 1);
      sent += messages.length;
      onProgress?.({ second, sent });
    }
    return orders;
  } finally {
    await producer.close();
  }
};
