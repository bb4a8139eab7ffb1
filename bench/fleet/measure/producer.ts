import { setTimeout as sleep } from 'node:timers/promises';
import { ProduceAcks, Producer } from '@platformatic/kafka';

/** Key of the next record. */
export type Keys = () => number;

/** Keys alike in turn, some of them replaced by the hot one. @param hotShare 0 to 1 */
export const keys = (count: number, hotShare = 0): Keys => {
  let [next, hot] = [0, 0];
  return () => {
    hot += hotShare;
    if (hot >= 1) {
      hot -= 1;
      return 0;
    }
    next = (next + 1) % count;
    return next;
  };
};

const TICK_MS = 100;

/** Sends to one topic, all at once or at a steady rate. */
export class Records {
  private readonly producer: Producer<Buffer, Buffer>;
  private sent = 0;

  constructor(
    bootstrap: string,
    private readonly topic: string,
    private readonly partitions: number,
    private readonly next: Keys,
  ) {
    this.producer = new Producer<Buffer, Buffer>({ clientId: 'fleet-measure', bootstrapBrokers: [bootstrap], acks: ProduceAcks.LEADER });
  }

  async send(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 2_000) {
      const messages = Array.from({ length: Math.min(2_000, left) }, () => {
        this.sent += 1;
        return { topic: this.topic, partition: this.sent % this.partitions, value: Buffer.from(String(this.next())) };
      });
      await this.producer.send({ messages });
    }
  }

  /** Until the signal; what a slow tick did not send, the next one does. */
  async flow(recordsPerSecond: number, signal: AbortSignal): Promise<void> {
    const [begun, before] = [performance.now(), this.sent];
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - begun) / 1_000) * recordsPerSecond) - (this.sent - before);
      if (due > 0) await this.send(due);
      await sleep(TICK_MS);
    }
  }

  close = (): Promise<void> => this.producer.close();
}
