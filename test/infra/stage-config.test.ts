import { loadStageConfig, parseStageConfig, StageConfigError } from '../../lib/config/load';
import { dev } from '../../lib/config/stages/dev';
import { configOf, synthesise } from './support/synth';

const environment = { CDK_DEFAULT_ACCOUNT: '111122223333', CDK_DEFAULT_REGION: 'eu-west-1' };
const good = () => structuredClone(dev(environment)) as Record<string, unknown> & ReturnType<typeof dev>;
const messageOf = (input: unknown): string => {
  try {
    parseStageConfig('dev', input);
  } catch (error) {
    if (error instanceof StageConfigError) return error.message;
  }
  throw new Error('was accepted');
};

describe('the stage configuration', () => {
  it.each(['local', 'dev', 'prod'])('of stage %s is accepted', (name) => {
    expect(loadStageConfig(name, environment).name).toBe(name);
  });

  it('names the stages there are when asked for another', () => {
    expect(() => loadStageConfig('producton', environment)).toThrow(
      'There is no stage "producton"; lib/config/stages has local, dev, prod.',
    );
  });

  it.each<[string, (config: ReturnType<typeof good>) => void, string]>([
    ['a name that no bucket may have', (config) => Object.assign(config, { name: 'Dev_1' }), 'name: must be 2 to 16 characters'],
    [
      'a name with a hyphen',
      (config) => Object.assign(config, { name: 'dev-2' }),
      'name: must be 2 to 16 characters: lower-case letters and digits, starting with a letter; a hyphen would let the policies of stage "a" reach',
    ],
    [
      'a deadline over what a workflow waits for',
      (config) => Object.assign(config.deadlines, { savepointSeconds: 7_201 }),
      'deadlines.savepointSeconds: ',
    ],
    [
      'deadlines that together are longer than an upgrade can wait',
      (config) => Object.assign(config.deadlines, { savepointSeconds: 7_200, submitSeconds: 1_801 }),
      'deadlines: an upgrade would have 10802 s (savepointSeconds and twice submitSeconds), its workflow can wait 10800 s',
    ],
    [
      'deadlines that together are longer than a failover can wait',
      (config) => Object.assign(config.deadlines, { savepointSeconds: 3_901 }),
      'deadlines: a failover would have 9001 s (launchSeconds, savepointSeconds, submitSeconds and terminateSeconds), its workflow can wait 7500 s',
    ],
    [
      'a zone of another region',
      (config) => Object.assign(config, { availabilityZones: ['eu-west-1a', 'us-east-1b'] }),
      'availabilityZones[1]: "us-east-1b" is not a zone of region eu-west-1',
    ],
    [
      'a period that no alarm may have',
      (config) => Object.assign(config.alarms, { periodSeconds: 15 }),
      'alarms.periodSeconds: must be 10, 20, 30 or 60',
    ],
    [
      'an address that is none',
      (config) => Object.assign(config, { onCall: { email: 'nobody' } }),
      'onCall.email: must be an e-mail address',
    ],
    [
      'a topic that is a queue',
      (config) => Object.assign(config, { onCall: { topicArn: 'arn:aws:sqs:eu-west-1:111122223333:pages' } }),
      'onCall.topicArn: must be the ARN of a standard SNS topic',
    ],
    [
      'a topic of another region',
      (config) => Object.assign(config, { onCall: { topicArn: 'arn:aws:sns:us-east-1:111122223333:pages' } }),
      'onCall.topicArn: is in us-east-1; CloudWatch publishes to topics of its own region only (eu-west-1)',
    ],
    [
      'a topic, and an address for the topic that is then not made',
      (config) => Object.assign(config, { onCall: { email: 'a@example.com', topicArn: 'arn:aws:sns:eu-west-1:111122223333:pages' } }),
      'onCall: takes email or topicArn',
    ],
    ['no zone', (config) => Object.assign(config, { availabilityZones: [] }), 'availabilityZones: '],
    [
      'a zone twice',
      (config) => Object.assign(config, { availabilityZones: ['eu-west-1a', 'eu-west-1a'] }),
      'availabilityZones: names a zone twice',
    ],
    ['a VPC larger than AWS allows', (config) => Object.assign(config, { vpcCidr: '10.0.0.0/8' }), 'vpcCidr: must be between /16 and /22'],
    ['an address range that is none', (config) => Object.assign(config, { vpcCidr: '10.0.0' }), 'vpcCidr: must be an IPv4 range'],
    [
      'a region without known prefix lists',
      (config) => Object.assign(config, dev({ CDK_DEFAULT_REGION: 'mx-central-1' })),
      'gatewayPrefixLists.s3: must be a managed prefix list id',
    ],
    [
      'a size with min over max',
      (config) => Object.assign(config.sizes.dev.taskManagers, { min: 9, max: 4 }),
      'sizes.dev.taskManagers.min: 9 is over max (4)',
    ],
    [
      'a size over the stage’s limit',
      (config) => Object.assign(config.limits, { maxTaskManagersPerCluster: 10 }),
      'sizes.xlarge.taskManagers.max: 96 is over limits.maxTaskManagersPerCluster (10)',
    ],
    ['a size that is missing', (config) => Reflect.deleteProperty(config.sizes, 'small'), 'sizes.small: '],
    ['a deadline in minutes', (config) => Object.assign(config.deadlines, { submitSeconds: 10 }), 'deadlines.submitSeconds: '],
    [
      'a log retention that CloudWatch does not know',
      (config) => Object.assign(config, { logRetentionDays: 10 }),
      'logRetentionDays: must be a period that CloudWatch Logs knows',
    ],
    ['a field that does not exist', (config) => Object.assign(config, { natGateways: 1 }), 'natGateways'],
    [
      'emptying buckets that are kept',
      (config) => Object.assign(config, { removal: 'retain' }),
      'emptyBucketsOnDestroy: needs removal: "destroy"',
    ],
    [
      'a port range that ends before it begins',
      (config) => Object.assign(config, { streamSources: [{ cidr: '10.1.0.0/16', fromPort: 9098, toPort: 9092 }] }),
      'streamSources[0].fromPort: 9098 is over toPort (9092)',
    ],
    [
      'a source twice, of which EC2 would make a rule twice',
      (config) => {
        const source = { cidr: '10.1.0.0/16', fromPort: 9092, toPort: 9098 };
        const others = [
          { ...source, toPort: 9092 },
          { ...source, cidr: '10.2.0.0/16' },
          { ...source, cidr: '10.1.0.0/17' },
        ];
        Object.assign(config, { streamSources: [source, ...others, { ...source, cidr: '10.1.2.3/16' }] });
      },
      'wrong. streamSources[4]: is the same as streamSources[0].',
    ],
    [
      'more sources than a security group has rules for',
      (config) => Object.assign(config, { streamSources: Array(51).fill({ cidr: '10.1.0.0/16', fromPort: 9092, toPort: 9098 }) }),
      'streamSources: must be 50 at most',
    ],
  ])('is refused with %s, in a sentence that names the field', (_, spoil, expected) => {
    const config = good();
    spoil(config);
    expect(messageOf(config)).toContain('The configuration of stage "dev" is wrong.');
    expect(messageOf(config)).toContain(expected);
  });

  it('is refused when it would not fit into the environment of a function', () => {
    const config = { ...configOf('dev'), flinkConfiguration: { 'env.java.opts.all': 'x'.repeat(3_000) } };
    expect(() => synthesise(config)).toThrow(
      /The configuration of stage "dev" makes \d+ bytes of function environment, over Lambda's 4096/,
    );
    // An account that is known at deployment only has twelve digits all the same.
    const { account: _, ...anywhere } = config;
    expect(() => synthesise({ ...anywhere, flinkConfiguration: { 'env.java.opts.all': 'x'.repeat(200) } })).not.toThrow();
    // Under 4,096 bytes as they are; Lambda measures them with a backslash before each quote.
    const short = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`a.${100 + index}`, '1']));
    expect(() => synthesise({ ...config, flinkConfiguration: short })).toThrow(/over Lambda's 4096/);
  });
});
