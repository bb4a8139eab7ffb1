import { Match } from 'aws-cdk-lib/assertions';
import { standingCharges } from '../../bench/road/standing-charges';
import { STAGE_METRICS } from '../../lambdas/contracts/metrics';
import type { StageConfig } from '../../lib/config/schema';
import { runbookSections } from './support/runbook';
import { configOf, stageOf, synthesise } from './support/synth';

const stage = stageOf('dev');
const alarms = stage.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);
const nameOf = ({ AlarmName }: { readonly AlarmName: string }): string => AlarmName.replace('sluice-dev.', '');
const withOnCall = (onCall: StageConfig['onCall']) => {
  const [made] = synthesise({ ...configOf('dev'), onCall });
  return made as NonNullable<typeof made>;
};

describe('alarms on the control plane itself', () => {
  it('are few, each of one metric by the minute or more: $0.10 a month each', () => {
    expect(alarms.map(nameOf).sort()).toEqual([
      'api-fails',
      'consider-failover-fails',
      'consider-scaling-fails',
      'dead-letters',
      'failovers-failed',
      'observe-flink-fails',
      'observer-stopped',
      'operations-interrupted',
      'sweep-stopped',
    ]);
    for (const { Metrics, MetricName, Period } of alarms) {
      expect([Metrics, typeof MetricName]).toEqual([undefined, 'string']);
      expect(Period).toBeGreaterThanOrEqual(60);
    }
  });

  it('and the key are all of the stage that costs anything while nothing runs', () => {
    const { byType, unknown } = standingCharges(stage.resources);
    expect([Object.keys(byType).sort(), unknown]).toEqual([['AWS::CloudWatch::Alarm', 'AWS::KMS::Key'], []]);
    expect(byType['AWS::CloudWatch::Alarm']).toBeCloseTo(0.9, 6);
  });

  it('are none of those that functions may change, or are woken by', () => {
    for (const { AlarmName } of alarms) expect(AlarmName).toMatch(/^sluice-dev\.[a-z-]+$/);
  });

  const runbook = runbookSections();
  it.each(alarms.map((alarm) => [nameOf(alarm), alarm] as const))(
    'link a heading of the runbook that has Description, Investigation and Resolution, and names them (%s)',
    (name, { AlarmDescription }) => {
      const [, anchor = ''] = /^\S.*\. Runbook: docs\/runbook\.md#([\w-]+)$/.exec(AlarmDescription) ?? [];
      const section = runbook.get(anchor) ?? '';
      expect(section.split('\n')[0]).toContain(name);
      for (const part of ['Description', 'Investigation', 'Resolution']) expect(section).toContain(`**${part}.**`);
    },
  );

  it('watch what the stage has', () => {
    const values = (type: string, property: string) => stage.ofType(type).map(({ Properties }) => Properties[property]);
    const queues = values('AWS::SQS::Queue', 'QueueName');
    const functions = values('AWS::Lambda::Function', 'FunctionName');
    const machines = values('AWS::StepFunctions::StateMachine', 'StateMachineName');
    for (const { Namespace, MetricName, Dimensions } of alarms) {
      const [{ Name, Value }, ...more] = Dimensions;
      expect(more).toEqual([]);
      switch (Name) {
        case 'FunctionName':
          expect([Namespace, functions]).toEqual(['AWS/Lambda', expect.arrayContaining([Value])]);
          break;
        case 'StateMachineArn':
          expect(JSON.stringify(Value)).toContain(':states:eu-west-1:111122223333:stateMachine:');
          expect(machines).toContain(JSON.stringify(Value).split(':stateMachine:')[1]?.replace(/\W+$/, ''));
          break;
        case 'QueueName':
          expect([Namespace, queues]).toEqual(['AWS/SQS', expect.arrayContaining([Value])]);
          break;
        case 'ApiId':
          expect(JSON.stringify(Value)).toMatch(/sluice-dev-api:ExportsOutputRefApiHttpApi/);
          break;
        default:
          expect([Namespace, Name, Value]).toEqual(['Sluice', 'Stage', 'dev']);
          expect(Object.keys(STAGE_METRICS)).toContain(MetricName);
      }
    }
  });

  it('ring without data where what should happen does not, and are quiet where what should not happen does not', () => {
    const stopped = alarms.filter(({ ComparisonOperator }) => ComparisonOperator === 'LessThanThreshold');
    expect(stopped.map(nameOf).sort()).toEqual(['observer-stopped', 'sweep-stopped']);
    for (const alarm of alarms)
      expect([nameOf(alarm), alarm.Threshold, alarm.TreatMissingData]).toEqual([
        nameOf(alarm),
        1,
        stopped.includes(alarm) ? 'breaching' : 'notBreaching',
      ]);
  });

  it('are made when what they watch has run: after the control plane and the API', () => {
    expect(stage.deployedBeforeAlarms).toEqual(expect.arrayContaining(['sluice-dev-control-plane', 'sluice-dev-api']));
  });
});

describe('the topic that they ring at', () => {
  it('is encrypted with the stage’s key, takes messages of these alarms and no message in the clear, and is an output', () => {
    stage.alarms.hasResourceProperties('AWS::SNS::Topic', {
      TopicName: 'sluice-dev-alarms',
      KmsMasterKeyId: { 'Fn::ImportValue': Match.stringLikeRegexp('sluice-dev-storage:ExportsOutputFnGetAttKey') },
    });
    const [policy, ...more] = stage.ofType('AWS::SNS::TopicPolicy').map(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(more).toEqual([]);
    const publishers = policy.filter(({ Effect }: { Effect: string }) => Effect === 'Allow');
    const condition = {
      StringEquals: { 'aws:SourceAccount': '111122223333' },
      ArnLike: {
        'aws:SourceArn': { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':cloudwatch:eu-west-1:111122223333:alarm:sluice-dev.*']] },
      },
    };
    expect(publishers).toEqual([
      expect.objectContaining({ Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Condition: condition }),
    ]);
    expect(policy).toContainEqual(expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }));
    const key = stage.ofType('AWS::KMS::Key')[0]?.Properties.KeyPolicy.Statement;
    expect(key).toContainEqual(
      expect.objectContaining({
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        Condition: condition,
      }),
    );
    const topic = { Ref: Object.keys(stage.alarms.findResources('AWS::SNS::Topic'))[0] };
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual([topic]);
    stage.alarms.hasOutput('AlarmTopicArn', { Value: topic });
    expect(stage.ofType('AWS::SNS::Subscription')).toEqual([]);
  });

  it('is subscribed by the address that the stage names', () => {
    withOnCall({ email: 'data-platform@example.com' }).alarms.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'data-platform@example.com',
    });
  });

  it('is the one that the stage names, where it names one', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:111122223333:pages';
    const made = withOnCall({ topicArn });
    expect(made.ofType('AWS::SNS::Topic')).toEqual([]);
    for (const { Properties } of made.ofType('AWS::CloudWatch::Alarm')) expect(Properties.AlarmActions).toEqual([topicArn]);
    made.alarms.hasOutput('AlarmTopicArn', { Value: topicArn });
  });
});
