import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { s3Client, tableClient } from '../../lambdas/gateways/aws/clients';
import { createObservations } from '../../lambdas/gateways/aws/observations.adapter';
import { createStore } from '../../lambdas/gateways/aws/store.adapter';
import { loadStageConfig } from '../../lib/config/load';
import { namesOf } from '../../lib/config/names';
import { awsEnvironment, readSettings } from '../../local/twin/settings';
import { readTwinFile } from '../../local/twin/twin-file';
import { type Explained, explain, explainJob, explainOperation } from './explain';

const usage = `npm run explain -- --operation ID [--stage NAME [--account ID]]
npm run explain -- --job CLUSTER/JOB [--stage NAME [--account ID]]
npm run explain -- --input FILE

Says what was decided about a job's scale and why, and decides the same again from what was stored with it.
  --operation  an operation of kind scale-job; without --stage, of the local twin that runs
  --job        the newest observation of a job: how busy, backpressured and idle each vertex is
  --stage      a stage on AWS, with the credentials at hand
  --account    its account, where its configuration does not name one (default: CDK_DEFAULT_ACCOUNT)
  --input      a decision, or the inputs of one, as JSON; also compressed (.gz), as in the state bucket
Ends with 0 when the decision came out the same, else with 1.`;

interface Place {
  readonly table: string;
  readonly bucket: string;
}

const placeOf = (stage: string | undefined, account: string | undefined): Place => {
  if (stage === undefined) {
    const settings = readSettings();
    const { stateBucket, stage: name } = readTwinFile(settings);
    Object.assign(process.env, awsEnvironment(settings));
    return { table: `sluice-${name}`, bucket: stateBucket };
  }
  const config = loadStageConfig(stage, process.env);
  const known = account ?? config.account ?? process.env.CDK_DEFAULT_ACCOUNT;
  if (known === undefined) throw new Error(`the account of stage "${stage}" is not known; say it with --account`);
  process.env.AWS_REGION ??= config.region;
  const { table, stateBucket } = namesOf(config, known, 'aws');
  return { table, bucket: stateBucket };
};

const stored = ({ table, bucket }: Place) => {
  const common = { client: tableClient(), tableName: table, now: () => new Date() };
  return { store: createStore(common), observations: createObservations({ ...common, s3: s3Client(), bucket }), bucket };
};

const ofJob = (name: string, place: Place): Promise<Explained> => {
  const [cluster = '', job, ...more] = name.split('/');
  if (job === undefined || more.length > 0) throw new Error(`a job is said as CLUSTER/JOB, not as "${name}"`);
  return explainJob(stored(place).observations, cluster, job);
};

const ofFile = async (file: string): Promise<Explained> => {
  const bytes = await readFile(file);
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
  return explain(JSON.parse(text));
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      operation: { type: 'string' },
      job: { type: 'string' },
      stage: { type: 'string' },
      account: { type: 'string' },
      input: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { operation, job, input, stage, account } = values;
  if (values.help || [operation, job, input].filter((one) => one !== undefined).length !== 1) {
    console.log(usage);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  if (input !== undefined && !existsSync(input)) throw new Error(`there is no file ${input}`);
  const asked = (): Promise<Explained> => {
    if (input !== undefined) return ofFile(input);
    const place = placeOf(stage, account);
    return job === undefined ? explainOperation(stored(place), operation ?? '') : ofJob(job, place);
  };
  const { lines, same } = await asked();
  console.log(lines.join('\n'));
  process.exitCode = same ? 0 : 1;
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
