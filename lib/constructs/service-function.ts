import { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { FunctionDefinition } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { type Permission, permit } from './permissions';
import { removalPolicyOf } from './removal';

export interface ServiceFunctionProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  /** Name in `lib/config/functions.ts`. */
  readonly name: string;
  readonly definition: FunctionDefinition;
  readonly permissions: readonly Permission[];
  readonly code: lambda.Code;
  readonly environment: Readonly<Record<string, string>>;
  /** Used when the definition says `network: 'vpc'`. */
  readonly vpc: IVpc;
  readonly flinkClient: ISecurityGroup;
  /** Where asynchronous events go that failed for good; used when the definition's kind is `events`. */
  readonly deadLetters?: IQueue;
}

const isTraced = ({ config, definition }: ServiceFunctionProps): boolean => config.tracing && definition.traced !== false;

/** One function of the control plane: own role, own log group, and no right that its definition does not name. */
export class ServiceFunction extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const { config, names, definition } = props;
    const functionName = `${names.prefix}-${props.name}`;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicyOf(config),
    });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: `Sluice function ${functionName}`,
    });
    permit(role, [
      {
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [names.arn('logs', `log-group:/aws/lambda/${functionName}:*`)],
        because: 'Streams of its own log group.',
      },
      ...this.platformPermissions(props),
      ...props.permissions,
    ]);
    this.function = new lambda.Function(this, 'Function', {
      functionName,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code,
      role,
      logGroup,
      timeout: Duration.seconds(definition.timeoutSeconds),
      memorySize: definition.memoryMiB,
      environment: { ...props.environment },
      tracing: isTraced(props) ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      ...(definition.network === 'vpc'
        ? { vpc: props.vpc, vpcSubnets: { subnets: props.vpc.isolatedSubnets }, securityGroups: [props.flinkClient] }
        : {}),
      // A third attempt of the sweeper would only meet the next minute's first.
      ...(definition.kind === 'events' && props.deadLetters
        ? { deadLetterQueue: props.deadLetters, retryAttempts: 1, maxEventAge: Duration.minutes(5) }
        : {}),
    });
  }

  /** What Lambda itself needs from the role. */
  private platformPermissions(props: ServiceFunctionProps): Permission[] {
    const { definition } = props;
    const inVpc: Permission = {
      actions: [
        'CreateNetworkInterface',
        'DescribeNetworkInterfaces',
        'DeleteNetworkInterface',
        'DescribeSubnets',
        'AssignPrivateIpAddresses',
        'UnassignPrivateIpAddresses',
      ].map((action) => `ec2:${action}`),
      resources: ['*'],
      because: 'Lambda makes the interfaces of functions in a VPC with the role of the function; it names no resource.',
    };
    const tracing: Permission = {
      actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      resources: ['*'],
      because: 'X-Ray knows no resources.',
    };
    return [...(definition.network === 'vpc' ? [inVpc] : []), ...(isTraced(props) ? [tracing] : [])];
  }
}
