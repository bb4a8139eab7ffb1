import { runsPython } from './support/python';

describe('What runs on a node', () => {
  it.each([
    ['is fetched from S3, and a host that cannot be set up ends itself', 'test_user_data'],
    ['knows its role and configuration from instance metadata and S3', 'test_identity'],
    ['signs its requests to S3 as AWS asks', 'test_s3'],
    ['takes Flink and Java from its image, or checked from the artifact bucket', 'test_image'],
    ['starts Flink with its own addresses, directories and memory', 'test_flink'],
    ['keeps the classes of its processes in an archive', 'test_classes'],
    ['shares that archive with the other hosts of its cluster', 'test_class_archives'],
    ['runs Flink as a user of its own', 'test_account'],
    ['sees to the addresses of its processes', 'test_addresses'],
    ['is kept alive by systemd', 'test_unit'],
    ['keeps its processes alive and lets none outlive it', 'test_supervisor'],
  ])('%s', async (_, module) => runsPython('node', 'tests', module), 120_000);
});

describe('The fleet agent', () => {
  it.each([
    ['gives each emulated instance its own metadata', 'test_metadata'],
    ['turns emulated instances into process groups and tells their ends', 'test_agent'],
  ])('%s', async (_, module) => runsPython('local', 'fleet.tests', module), 120_000);
});
