import { jarPlaceProblem, savepointPlaceProblem } from '../../../lambdas/domain/program-place';

const STAGE = { artifactBucket: 'artifacts', stateBucket: 'state' };

test.each([
  's3://artifacts/jobs/delays.jar',
  's3://artifacts/delays.jar',
  's3://artifacts/flink-jobs/delays.jar',
  's3://state/clusters/flights/jobs/delays/delays.jar',
])('a jar at %s may be run by cluster flights', (uri) => {
  expect(jarPlaceProblem(uri, 'flights', STAGE)).toBeUndefined();
});

test.each([
  ['below the distributions', 's3://artifacts/flink/2.3.0/flink.tar'],
  ['among the state of another cluster', 's3://state/clusters/payments/jobs/pay/savepoints/savepoint-1/_metadata'],
  ['of a cluster whose name begins alike', 's3://state/clusters/flights-2/jobs/a.jar'],
  ['at the top of the state bucket', 's3://state/delays.jar'],
  ['in a bucket of somebody else', 's3://elsewhere/delays.jar'],
  ['in a bucket whose name begins alike', 's3://artifacts-2/delays.jar'],
  ['reached by climbing', 's3://state/clusters/flights/../payments/a.jar'],
  ['reached by climbing out of the jobs', 's3://artifacts/jobs/../flink/2.3.0/flink.tar'],
  ['with an empty part', 's3://artifacts//flink/2.3.0/flink.tar'],
])('a jar %s is refused, with where it may be', (_, uri) => {
  expect(jarPlaceProblem(uri, 'flights', STAGE)).toMatch(/^must (be in s3:\/\/artifacts\/ |not have )/);
});

test.each([
  's3://state/clusters/flights/jobs/delays/savepoints/savepoint-1',
  's3://state/clusters/flights/jobs/other/checkpoints/0123/chk-7/',
])('a job of cluster flights may be restored from %s', (uri) => {
  expect(savepointPlaceProblem(uri, 'flights', STAGE)).toBeUndefined();
});

test.each([
  's3://state/clusters/payments/jobs/pay/savepoints/savepoint-1',
  's3://state/clusters/flights-2/jobs/pay/savepoints/savepoint-1',
  's3://state/clusters/flights/../payments/jobs/pay/savepoints/savepoint-1',
  's3://artifacts/savepoints/savepoint-1',
  's3://elsewhere/savepoint-1',
])('a job of cluster flights is not restored from %s', (uri) => {
  expect(savepointPlaceProblem(uri, 'flights', STAGE)).toMatch(/^must (be below s3:\/\/state\/clusters\/flights\/:|not have )/);
});
