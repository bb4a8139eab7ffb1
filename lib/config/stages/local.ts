import type { StageConfigInput } from '../schema';
import { PRODUCTION_SIZES } from '../sizes';
import { awsDefaults, gatewayPrefixLists } from './common';

/** The local twin (local/README.md): the same stacks on an emulator, with machines small enough for a laptop and addresses that Linux routes to itself. */
export const local = (environment: Readonly<Record<string, string | undefined>>): StageConfigInput => ({
  ...awsDefaults,
  name: 'local',
  account: '000000000000',
  region: 'us-east-1',
  vpcCidr: '127.64.0.0/16',
  availabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
  gatewayPrefixLists: gatewayPrefixLists('us-east-1'),
  sizes: {
    ...PRODUCTION_SIZES,
    dev: {
      instanceType: 'c5.large',
      jobManager: { instanceType: 'c5.large', memoryMiB: 1_024 },
      taskManagersPerHost: 1,
      slotsPerVcpu: 2,
      taskManagers: { min: 1, max: 8 },
    },
  },
  limits: { maxTaskManagersPerCluster: 100, maxClusters: 10 },
  // The emulator's S3 has one address for all buckets. Keys come from the instance's role, as on AWS.
  flinkConfiguration: {
    's3.endpoint': environment.AWS_ENDPOINT_URL_S3 ?? 'http://127.0.0.1:4566',
    's3.path.style.access': 'true',
    's3.region': 'us-east-1',
    // All hosts of the twin share a few cores, and whatever else the machine does: a process may wait seconds for one.
    'heartbeat.timeout': '8 s',
    // Processes that live minutes on two cores: half the CPU time of a start, and of the first SQL statement, is the optimising compiler's.
    'env.java.opts.all': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  },
  streamSources: [{ cidr: '127.0.0.0/8', fromPort: 9_092, toPort: 9_092 }],
  observation: { intervalSeconds: 10, perVertex: true },
  deadlines: { launchSeconds: 150, submitSeconds: 180, savepointSeconds: 180, rescaleSeconds: 240, terminateSeconds: 300 },
  // Nothing costs anything here, and a person waits.
  alarms: { periodSeconds: 10 },
  logRetentionDays: 1,
  removal: 'destroy',
  emptyBucketsOnDestroy: false,
  tracing: false,
});
