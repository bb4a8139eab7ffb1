import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { ROUTES } from '../../lambdas/contracts/routes';
import { scriptKey } from '../../lambdas/domain/state-paths';
import { FUNCTIONS } from '../../lib/config/functions';
import { configOf, listOf, type Resource, stageOf, synthesise } from './support/synth';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

const stage = stageOf('dev');
const functions = stage
  .ofType('AWS::Lambda::Function')
  .filter((resource) => String(resource.Properties.FunctionName).startsWith('sluice-dev-'));
const ADDRESSES = 'ec2:AssignPrivateIpAddresses';
const functionNamed = (name: string): Resource['Properties'] =>
  functions.find((each) => each.Properties.FunctionName === `sluice-dev-${name}`)?.Properties;

/** Statements of all policies on the role of a function. */
const rightsOf = (name: string): readonly Statement[] => {
  const roleId = functionNamed(name).Role['Fn::GetAtt'][0];
  const policies = stage
    .ofType('AWS::IAM::Policy')
    .filter((policy) => policy.Properties.Roles.some((role: { Ref: string }) => role.Ref === roleId));
  return policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]);
};
const actionsOf = (name: string) => rightsOf(name).flatMap((statement) => listOf(statement.Action));

describe('functions', () => {
  it('are those of the table, each named after the stage', () => {
    expect(functions.map((each) => each.Properties.FunctionName).sort()).toEqual(
      Object.keys(FUNCTIONS)
        .map((name) => `sluice-dev-${name}`)
        .sort(),
    );
  });

  it('have names within Lambda’s 64 characters for the longest stage name', () => {
    const longest = Math.max(...Object.keys(FUNCTIONS).map((name) => name.length));
    expect('sluice--'.length + 16 + longest).toBeLessThanOrEqual(64);
  });

  it('have a role each', () => {
    expect(new Set(functions.map((each) => each.Properties.Role['Fn::GetAtt'][0])).size).toBe(functions.length);
  });

  it('run in the VPC exactly when they call Flink', () => {
    for (const [name, definition] of Object.entries(FUNCTIONS))
      expect([name, functionNamed(name).VpcConfig !== undefined]).toEqual([name, definition.network === 'vpc']);
  });

  it('in the VPC have no right to any service that cannot be reached from there', () => {
    for (const [name, definition] of Object.entries(FUNCTIONS)) {
      if (definition.network !== 'vpc') continue;
      const reachable = ['dynamodb', 's3', 'kms', 'logs', 'xray'];
      const platform = /^ec2:.*(NetworkInterface|Subnets|PrivateIpAddresses)/;
      expect([
        name,
        actionsOf(name).filter((action) => !reachable.includes(action.split(':')[0] as string) && !platform.test(action)),
      ]).toEqual([name, []]);
    }
  });

  it('have no right to change anything in AWS by a call that nobody makes', () => {
    const folder = join(__dirname, '..', '..', 'lambdas', 'gateways', 'aws');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const made = sources.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/new (\w+)Command\(|paginate(\w+)\(/g)].map(([, call, list]) => call ?? list),
    );
    // What AWS checks beside a call: tags of what is made, the launch that a group is for, roles that are passed on.
    const implied = [
      'CreateTags',
      'CreateOrUpdateTags',
      'RunInstances',
      'TagRole',
      'TagInstanceProfile',
      'TagResource',
      'PassRole',
      'CreateServiceLinkedRole',
    ];
    const ofLambda = ['AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses'];
    const called = new Set([...made, ...implied, ...ofLambda]);
    for (const name of Object.keys(FUNCTIONS)) {
      const changes = actionsOf(name).flatMap(
        (action) => /^(?:ec2|autoscaling|iam|cloudwatch|states):(?!Describe)(.+)/.exec(action)?.[1] ?? [],
      );
      expect([name, changes.filter((action) => !called.has(action))]).toEqual([name, []]);
    }
  });

  it('never have a right with a wildcard in the action', () => {
    for (const name of Object.keys(FUNCTIONS)) expect([name, actionsOf(name).filter((action) => action.includes('*'))]).toEqual([name, []]);
  });

  it('trace with X-Ray, except those of every pass of observation, and log to a group of their own with the stage’s retention', () => {
    const untraced = Object.keys(FUNCTIONS).filter((name) => functionNamed(name).TracingConfig?.Mode !== 'Active');
    expect(untraced.sort()).toEqual(['list-observed-clusters', 'observe-flink']);
    for (const group of stage.ofType('AWS::Logs::LogGroup')) expect(group.Properties.RetentionInDays).toBe(14);
    expect(
      stage.ofType('AWS::Logs::LogGroup').filter((group) => String(group.Properties.LogGroupName).startsWith('/aws/lambda/sluice-dev-')),
    ).toHaveLength(functions.length);
  });

  it('know their stage, in less than 4 KB', () => {
    const [parameter, ...others] = stage.ofType('AWS::SSM::Parameter').map((each) => each.Properties);
    expect(JSON.stringify(parameter.Value).length).toBeLessThan(5_000);
    // One in each stack with functions, and all say the same.
    expect(others.map((each) => each.Value)).toEqual([parameter.Value]);
    expect(others.map((each) => each.Name)).not.toContain(parameter.Name);
    for (const each of functions)
      expect(each.Properties.Environment.Variables.SLUICE_STAGE).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Stage/), 'Value'] });
  });
});

describe('rights to objects', () => {
  const keysOf = (name: string, action: string) =>
    rightsOf(name)
      .filter((each) => listOf(each.Action).includes(action))
      .flatMap((each) => listOf(each.Resource as string).map((resource) => JSON.stringify(resource)));

  it.each(['api-submit-job', 'api-upgrade-job'])('let %s write SQL scripts of jobs and nothing else', (name) => {
    const written = keysOf(name, 's3:PutObject');
    expect(written).toHaveLength(1);
    expect(written[0]).toContain(`/${scriptKey('*', '*', '*')}"`);
    expect(actionsOf(name)).not.toContain('s3:DeleteObject');
  });

  it('let only those read the stage’s artifacts that check or upload a jar', () => {
    const readers = Object.keys(FUNCTIONS).filter((name) => keysOf(name, 's3:GetObject').some((key) => /artifact/i.test(key)));
    expect(readers.sort()).toEqual(['api-submit-job', 'api-upgrade-job', 'revert-job', 'start-job', 'start-jobs', 'upload-artifact']);
  });
});

describe('rights to make clusters', () => {
  const conditionOf = (name: string, action: string): (Statement['Condition'] | undefined)[] =>
    rightsOf(name)
      .filter((statement) => listOf(statement.Action).includes(action))
      .map((statement) => statement.Condition);

  it('allow a role only with the permissions boundary, below the stage’s path', () => {
    const [statement] = rightsOf('prepare-access').filter((each) => listOf(each.Action).includes('iam:CreateRole'));
    expect(JSON.stringify(statement?.Condition)).toContain('policy/sluice-dev-node-boundary');
    expect(JSON.stringify(statement?.Resource)).toContain(':role/sluice/dev/*');
  });

  it('allow to pass on only those roles, and only to EC2', () => {
    for (const name of ['prepare-access', 'create-fleet'])
      for (const statement of rightsOf(name).filter((each) => listOf(each.Action).includes('iam:PassRole'))) {
        expect(statement.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } });
        expect(JSON.stringify(statement.Resource)).toContain(':role/sluice/dev/*');
      }
  });

  it.each([
    ['delete-fleet', 'autoscaling:DeleteAutoScalingGroup'],
    ['ensure-capacity', 'autoscaling:TerminateInstanceInAutoScalingGroup'],
    ['delete-access', 'ec2:DeleteSecurityGroup'],
    ['delete-access', 'ec2:DeleteNetworkInterface'],
    ['delete-access', 'ec2:DeleteLaunchTemplate'],
  ])('let %s use %s only on what carries the stage’s tag', (name, action) => {
    for (const condition of conditionOf(name, action))
      expect(condition).toEqual({ StringEquals: { 'aws:ResourceTag/sluice:stage': 'dev' } });
  });

  it('let the function that replaces a silent JobManager end hosts of groups with the stage’s tag, and change nothing else', () => {
    const changes = actionsOf('replace-jobmanager').filter((action) => /^(ec2|autoscaling|iam):(?!Describe)/.test(action));
    expect(changes).toEqual(['autoscaling:TerminateInstanceInAutoScalingGroup']);
    expect(conditionOf('replace-jobmanager', 'autoscaling:TerminateInstanceInAutoScalingGroup')).toEqual([
      { StringEquals: { 'aws:ResourceTag/sluice:stage': 'dev' } },
    ]);
  });

  it('let the function that hears of hosts that have ended end hosts of groups with the stage’s tag, and change nothing else', () => {
    const changes = actionsOf('replace-ended').filter((action) => /^(ec2|autoscaling|iam|dynamodb|s3|states):(?!Describe)/.test(action));
    expect(changes).toEqual(['autoscaling:TerminateInstanceInAutoScalingGroup']);
    expect(conditionOf('replace-ended', 'autoscaling:TerminateInstanceInAutoScalingGroup')).toEqual([
      { StringEquals: { 'aws:ResourceTag/sluice:stage': 'dev' } },
    ]);
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.ec2'],
        'detail-type': ['EC2 Instance State-change Notification'],
        detail: { state: ['stopped', 'terminated'] },
      },
    });
  });

  it('let the function that hears of launches give hosts of the stage addresses, and change nothing else', () => {
    const changes = actionsOf('give-addresses').filter((action) => /^(ec2|autoscaling|iam|dynamodb|s3|states):(?!Describe)/.test(action));
    expect(changes).toEqual([ADDRESSES]);
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.ec2'],
        'detail-type': ['EC2 Instance State-change Notification'],
        detail: { state: ['pending', 'running'] },
      },
    });
    for (const name of ['give-addresses', 'sweep-operations'])
      expect(conditionOf(name, ADDRESSES)).toEqual([{ StringEquals: { 'aws:ResourceTag/sluice:stage': 'dev' } }]);
  });

  it.each([
    ['observe-fleet', ['jobmanager*', 'taskmanager-*']],
    ['handle-zone-event', ['jobmanager*']],
    ['consider-failover', ['jobmanager*']],
    ['sweep-operations', ['jobmanager*']],
  ])('let %s choose the type of a JobManager among the versions of its template, and size no groups but %j', (name, sized) => {
    const changes = actionsOf(name).filter((action) => action !== ADDRESSES && /^(ec2|autoscaling|iam):(?!Describe)/.test(action));
    expect([...new Set(changes)].sort()).toEqual(['autoscaling:SetDesiredCapacity', 'ec2:ModifyLaunchTemplate']);
    for (const action of changes)
      for (const condition of conditionOf(name, action))
        expect(condition).toEqual({ StringEquals: { 'aws:ResourceTag/sluice:stage': 'dev' } });
    const groups = rightsOf(name).filter(({ Action }) => listOf(Action).includes('autoscaling:SetDesiredCapacity'));
    const resources = JSON.stringify(groups.map(({ Resource }) => Resource));
    expect([...resources.matchAll(/autoScalingGroupName\/sluice-dev-\*-([^"]+)"/g)].map(([, group]) => group)).toEqual(sized);
  });

  it('allow launches by launch template only, in any subnet of the stage’s VPC', () => {
    for (const name of ['create-fleet', 'ensure-capacity']) {
      const statements = rightsOf(name).filter((each) => listOf(each.Action).includes('ec2:RunInstances'));
      for (const { Condition } of statements) expect(JSON.stringify(Condition?.ArnLike)).toContain('launch-template/*');
      const [subnets, ...more] = statements.filter(({ Resource }) => JSON.stringify(Resource).includes(':subnet/*'));
      expect(more).toEqual([]);
      expect(subnets?.Condition).not.toHaveProperty('Bool');
      expect(JSON.stringify(subnets?.Condition?.ArnEquals)).toMatch(/ec2:Vpc.*:vpc\//);
    }
  });

  it('are held by a few tasks and by no API function', () => {
    const makers = Object.keys(FUNCTIONS).filter((name) =>
      actionsOf(name).some((action) => /^(autoscaling|iam):(Create|Delete|Update|Put)/.test(action)),
    );
    expect(makers.sort()).toEqual([
      'create-fleet',
      'delete-access',
      'delete-fleet',
      'ensure-capacity',
      'fence-former',
      'prepare-access',
      'prepare-next-role',
    ]);
    expect(actionsOf('prepare-next-role').filter((action) => /^(ec2|autoscaling):/.test(action))).toEqual([]);
  });
});

describe('shifts of traffic away from a zone', () => {
  it('are heard of when they begin and when they are over; practice runs are not', () => {
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.arc-zonal-shift'],
        'detail-type': [
          'Autoshift In Progress',
          'FIS Experiment Autoshift In Progress',
          'Autoshift Completed',
          'FIS Experiment Autoshift Completed',
          'FIS Experiment Autoshift Canceled',
        ],
      },
    });
  });
});

describe('alarms of jobs', () => {
  const writers = Object.keys(FUNCTIONS).filter((name) => actionsOf(name).includes('cloudwatch:PutMetricAlarm'));

  it('are made and deleted by two tasks and a sweeper, and only those of the stage', () => {
    expect(writers.sort()).toEqual(['delete-alarms', 'ensure-alarms', 'sweep-alarms']);
    for (const name of writers)
      for (const { Action, Resource } of rightsOf(name)) {
        if (!listOf(Action).includes('cloudwatch:PutMetricAlarm')) continue;
        expect([...listOf(Action)].sort()).toEqual(['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm', 'cloudwatch:TagResource']);
        expect(JSON.stringify(Resource)).toMatch(/:alarm:sluice-dev-\*"/);
      }
  });

  it('are looked at as soon as one of them changes, and every five minutes in any case', () => {
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: 'sluice-dev-' }] },
      },
    });
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(5 minutes)' });
  });
});

describe('the API', () => {
  it('has exactly the routes of the contract, all of them signed with IAM', () => {
    const routes = stage.ofType('AWS::ApiGatewayV2::Route').map((route) => route.Properties);
    expect(routes.map((route) => route.RouteKey).sort()).toEqual(ROUTES.map((route) => `${route.method} ${route.path}`).sort());
    expect(routes.every((route) => route.AuthorizationType === 'AWS_IAM')).toBe(true);
  });

  it('limits the rate, and logs each request with the ARN of its caller', () => {
    stage.api.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      AccessLogSettings: { DestinationArn: Match.anyValue(), Format: Match.stringLikeRegexp('"caller":"\\$context.identity.userArn"') },
    });
  });

  it('and the control plane do not refer to each other: what one exports, the other does not import', () => {
    const [api, controlPlane] = [stage.api, stage.controlPlane].map((template) => JSON.stringify(template.toJSON()));
    expect(api).not.toContain('sluice-dev-control-plane');
    expect(controlPlane).not.toContain('sluice-dev-api:');
    expect(Object.keys(stage.controlPlane.toJSON().Outputs ?? {})).toEqual([]);
    // The second tells the alarms on the API which it is.
    expect(Object.keys(stage.api.toJSON().Outputs ?? {})).toEqual(['ApiUrl', expect.stringMatching(/^ExportsOutputRefApiHttpApi/)]);
  });

  it('allows no other origin', () => {
    expect(stage.ofType('AWS::ApiGatewayV2::Api')[0]?.Properties.CorsConfiguration).toBeUndefined();
  });
});

describe('workflows', () => {
  const machines = stage.ofType('AWS::StepFunctions::StateMachine').map((machine) => machine.Properties);

  const observer = 'sluice-dev-observe-clusters';

  it('are standard ones named after stage and kind, with errors logged and traces on; the one that observes is neither', () => {
    expect(machines.length).toBeGreaterThan(0);
    for (const machine of machines) {
      expect(machine.StateMachineName).toMatch(/^sluice-dev-[a-z-]+$/);
      expect(machine).toMatchObject({
        StateMachineType: machine.StateMachineName === observer ? 'EXPRESS' : 'STANDARD',
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
        TracingConfiguration: { Enabled: machine.StateMachineName !== observer },
      });
    }
  });

  it('may invoke their own functions and nothing else', () => {
    for (const machine of machines) {
      const roleId = machine.RoleArn['Fn::GetAtt'][0];
      const statements = stage
        .ofType('AWS::IAM::Policy')
        .filter((policy) => policy.Properties.Roles.some((role: { Ref: string }) => role.Ref === roleId))
        .flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]);
      const invoke = statements.filter((statement) => listOf(statement.Action).includes('lambda:InvokeFunction'));
      expect(new Set(invoke.flatMap((statement) => listOf(statement.Resource)).map((arn) => JSON.stringify(arn)))).toEqual(
        new Set(Object.values(machine.DefinitionSubstitutions).map((arn) => JSON.stringify(arn))),
      );
    }
  });

  it('that end badly are swept at once, and every minute in any case', () => {
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 minute)' });
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.states'],
        detail: { status: ['ABORTED', 'FAILED', 'TIMED_OUT'], stateMachineArn: [{ prefix: Match.anyValue() }] },
      },
    });
  });

  it('observe every minute, and never late', () => {
    stage.controlPlane.hasResourceProperties('AWS::Events::Rule', {
      Name: 'sluice-dev-observe',
      ScheduleExpression: 'rate(1 minute)',
      Targets: [Match.objectLike({ RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 } })],
    });
  });

  it('leave no event unseen: a sweep that fails twice goes to an encrypted dead-letter queue', () => {
    expect(functionNamed('sweep-operations').DeadLetterConfig.TargetArn).toBeDefined();
    for (const rule of stage.ofType('AWS::Events::Rule')) expect(rule.Properties.Targets[0].DeadLetterConfig.Arn).toBeDefined();
    stage.controlPlane.hasResourceProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
  });
});

describe('two stages', () => {
  it('stand side by side in one account: no name is used twice', () => {
    const [blue, green] = synthesise({ ...configOf('dev'), name: 'blue' }, { ...configOf('dev'), name: 'green' });
    const namesOf = (resources: readonly Resource[]) =>
      resources.flatMap(({ Type, Properties: properties = {} }) =>
        Object.entries(properties)
          .filter(
            ([key, value]) =>
              typeof value === 'string' &&
              /^(BucketName|TableName|FunctionName|StateMachineName|LogGroupName|QueueName|LaunchTemplateName|ManagedPolicyName|AliasName|RoleName|GroupName|AlarmName|TopicName)$/.test(
                key,
              ),
          )
          .map(([key, value]) => `${Type}.${key}=${value}`),
      );
    const blues = namesOf(blue?.resources ?? []);
    const greens = new Set(namesOf(green?.resources ?? []));
    expect(blues.length).toBeGreaterThan(80);
    expect(blues.filter((name) => greens.has(name))).toEqual([]);
    expect(blues.filter((name) => !name.includes('blue'))).toEqual([]);
  });

  it('stay well under CloudFormation’s 500 resources a stack and 1 MB a template', () => {
    for (const template of stage.all) {
      expect(Object.keys(template.toJSON().Resources).length).toBeLessThan(420);
      expect(JSON.stringify(template.toJSON()).length).toBeLessThan(800_000);
    }
  });
});
