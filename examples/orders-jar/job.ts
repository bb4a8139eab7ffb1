import { mavenJar } from '../../tools/maven-jar';

/** Kafka topics of the example. Eight partitions: no more than eight subtasks have something to read. */
export const TOPICS = {
  orders: { name: 'orders', partitions: 8 },
  numbered: { name: 'numbered', partitions: 4 },
} as const;

/** The jar. @returns its path */
export const ordersJar = (): string => mavenJar(__dirname, 'orders');

export interface OrdersArguments {
  readonly bootstrapServers: string;
  /** Time that an order takes: a subtask does 1000 / millis a second. */
  readonly millis: number;
  /** Consumer group and prefix of Kafka transactions. @default orders */
  readonly group?: string;
  /** @default TOPICS.orders */
  readonly from?: string;
  /** @default TOPICS.numbered */
  readonly to?: string;
}

/** Program arguments, as a submission gives them. */
export const ordersArguments = ({ bootstrapServers, millis, group = 'orders', from, to }: OrdersArguments): readonly string[] => [
  '--bootstrap',
  bootstrapServers,
  '--millis',
  String(millis),
  '--group',
  group,
  '--in',
  from ?? TOPICS.orders.name,
  '--out',
  to ?? TOPICS.numbered.name,
];
