import { parseArgs } from 'node:util';
import { compareResults } from './compare';
import { expectedAnswer } from './expected';
import { renderJob } from './job';
import { replay } from './replay';

const USAGE = `usage: tsx examples/flight-delays/cli.ts <command> [options]
  script    prints the SQL script to submit
  replay    sends the flights to Kafka
  compare   reads the result topic and compares it with the right answer; ends with 1 when they differ
options
  --bootstrap host:port     Kafka (127.0.0.1:9092)
  --limit n                 the first n flights (all, 3000000)
  --rate n                  records per second (as fast as it goes)
  --seed n                  another disorder (1)
  --transactional-id name   prefix of the sink's transactions (flight-delays)
  --within s                compare: seconds to wait for missing rows (120)`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string', default: '127.0.0.1:9092' },
      limit: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string' },
      'transactional-id': { type: 'string' },
      within: { type: 'string' },
    },
  });
  const bootstrapServers = values.bootstrap;
  const number = (name: 'limit' | 'rate' | 'seed' | 'within', as: string) => {
    const text = values[name];
    if (text !== undefined && !/^\d+$/.test(text)) throw new Error(`--${name} must be a whole number, not ${text}`);
    return text === undefined ? {} : { [as]: Number(text) };
  };
  const selection = { ...number('limit', 'limit'), ...number('seed', 'seed') };
  switch (positionals[0]) {
    case 'script': {
      const prefix = values['transactional-id'];
      process.stdout.write(renderJob({ bootstrapServers, ...(prefix === undefined ? {} : { transactionalIdPrefix: prefix }) }));
      return 0;
    }
    case 'replay':
      console.log(JSON.stringify(await replay({ bootstrapServers, ...selection, ...number('rate', 'recordsPerSecond') })));
      return 0;
    case 'compare': {
      const expected = await expectedAnswer(selection);
      const comparison = await compareResults({ bootstrapServers, expected, ...number('within', 'withinSeconds') });
      console.log(JSON.stringify(comparison));
      return comparison.ok ? 0 : 1;
    }
    default:
      console.error(USAGE);
      return 2;
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
