import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTES } from '../../lambdas/contracts/routes';
import { stageOf } from './support/synth';

const DOCUMENT = readFileSync(join(__dirname, '..', '..', 'docs', 'deploy.md'), 'utf8');

/** What the document calls the resources of a service of CloudFormation. */
const CALLED: Readonly<Record<string, string>> = {
  ApiGatewayV2: 'API Gateway',
  CloudWatch: 'CloudWatch alarms',
  DynamoDB: 'DynamoDB',
  EC2: 'VPC',
  Events: 'EventBridge',
  IAM: 'IAM roles and policies',
  KMS: 'a KMS key',
  Lambda: 'Lambda',
  Logs: 'logs',
  S3: 'S3',
  SNS: 'SNS',
  SQS: 'SQS',
  SSM: 'SSM parameters',
  StepFunctions: 'Step Functions',
};

test.each(['dev', 'prod'] as const)('who deploys %s is told to allow all that its stacks make', (name) => {
  const rights = /which must be allowed to make ([^.]*)\./.exec(DOCUMENT.replace(/\s+/g, ' '))?.[1];
  const types = stageOf(name).resources.flatMap(({ Type }) => (Type.startsWith('AWS::') ? Type.split('::') : []));
  const services = new Set(types.filter((_, index) => index % 3 === 1));
  for (const service of services) expect([service, rights]).toEqual([service, expect.stringContaining(CALLED[service] ?? service)]);
});

describe('The policy for who runs jobs of one cluster', () => {
  const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(DOCUMENT)?.[1] ?? '') as {
    Statement: readonly { Resource: readonly string[] }[];
  };
  const allowed = policy.Statement.flatMap(({ Resource }) => Resource).map((arn) => arn.split('/$default/')[1] ?? arn);
  const allows = (request: string): boolean => allowed.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(request));
  const requestOf = ({ method, path }: (typeof ROUTES)[number], cluster: string): string =>
    `${method}${path.replace('{cluster}', cluster).replace(/\{\w+\}/g, 'x')}`;

  test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))('says of %s what it should', (_, route) => {
    const ofJobs = route.path.startsWith('/clusters/{cluster}/jobs');
    const reads = route.method === 'GET' && route.path.startsWith('/clusters/{cluster}');
    expect(allows(requestOf(route, 'flights'))).toBe(ofJobs || reads);
    if (route.path.includes('{cluster}')) expect(['payments', 'flights-2'].filter((other) => allows(requestOf(route, other)))).toEqual([]);
  });
});
