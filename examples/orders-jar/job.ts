import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Kafka topics of the example. Eight partitions: no more than eight subtasks have something to read. */
export const TOPICS = {
  orders: { name: 'orders', partitions: 8 },
  numbered: { name: 'numbered', partitions: 4 },
} as const;

/** The jar, built by Maven when its sources are newer. */
export const ordersJar = (): { readonly content: Buffer; readonly sha256: string } => {
  const jar = join(__dirname, 'target', 'orders.jar');
  const sources = [
    join(__dirname, 'pom.xml'),
    ...readdirSync(join(__dirname, 'src'), { recursive: true }).map((file) => join(__dirname, 'src', String(file))),
  ];
  const built = existsSync(jar) ? statSync(jar).mtimeMs : 0;
  if (sources.some((file) => statSync(file).isFile() && statSync(file).mtimeMs > built))
    execFileSync('mvn', ['-q', '-B', 'package'], { cwd: __dirname, stdio: ['ignore', 'ignore', 'inherit'] });
  const content = readFileSync(jar);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
};

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
