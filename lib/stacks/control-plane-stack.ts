import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { type IStateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { HOST_ENDS, SHIFT_BEGUN, SHIFT_OVER } from '../../lambdas/contracts/events';
import type { StageNames } from '../config/names';
import { type FunctionSurroundings, ServiceFunctions } from '../constructs/service-functions';
import { StateMachineFromAsl } from '../constructs/state-machine-from-asl';

export interface ControlPlaneStackProps extends StackProps, FunctionSurroundings {
  /** Folder with one `<kind>/definition.asl.json` for each kind of operation. */
  readonly definitionsFolder: string;
}

/** The machine that no operation starts, but the clock. */
const OBSERVER = 'observe-clusters';

/** Workflows with their functions, and the events that start some of them. */
export class ControlPlaneStack extends Stack {
  private readonly functions: ServiceFunctions;
  private readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: ControlPlaneStackProps) {
    super(scope, id, props);
    this.deadLetters = new sqs.Queue(this, 'DeadLetters', {
      queueName: props.names.deadLetters,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.functions = new ServiceFunctions(this, {
      ...props,
      kinds: ['workflow', 'events'],
      parameterName: `/sluice/${props.config.name}/stage`,
      deadLetters: this.deadLetters,
    });
    const observer = this.makeStateMachines(props);
    this.makeRules(props.names);
    if (observer) this.makeObserverRule(props.names, observer);
  }

  /** @returns the machine that observes */
  private makeStateMachines({ config, names, definitionsFolder }: ControlPlaneStackProps): IStateMachine | undefined {
    let observer: IStateMachine | undefined;
    const kinds = readdirSync(definitionsFolder).filter((kind) => existsSync(join(definitionsFolder, kind, 'definition.asl.json')));
    for (const kind of kinds.sort()) {
      const { stateMachine } = new StateMachineFromAsl(this, `workflow-${kind}`, {
        config,
        names,
        kind,
        definitionFile: join(definitionsFolder, kind, 'definition.asl.json'),
        ...(kind === OBSERVER ? { type: StateMachineType.EXPRESS } : {}),
        functionOf: (name) => this.functions.find(name)?.function,
      });
      if (kind === OBSERVER) observer = stateMachine;
    }
    return observer;
  }

  /**
   * An operation whose execution was aborted, failed or timed out is closed at once, and an alarm's change is looked at at once; the schedules find
   * those whose event was lost.
   */
  private makeRules(names: StageNames): void {
    const targetOf = (name: string) =>
      new targets.LambdaFunction(this.functions.named(name).function, {
        deadLetterQueue: this.deadLetters,
        retryAttempts: 2,
        maxEventAge: Duration.minutes(5),
      });
    const sweeper = targetOf('sweep-operations');
    new events.Rule(this, 'EveryMinute', {
      ruleName: `${names.prefix}-every-minute`,
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [sweeper],
    });
    new events.Rule(this, 'EveryFiveMinutes', {
      ruleName: `${names.prefix}-every-five-minutes`,
      schedule: events.Schedule.rate(Duration.minutes(5)),
      targets: [targetOf('sweep-alarms')],
    });
    new events.Rule(this, 'AlarmChanged', {
      ruleName: `${names.prefix}-alarm-changed`,
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: `${names.prefix}-` }] },
      },
      targets: [targetOf('handle-alarm')],
    });
    new events.Rule(this, 'Retention', {
      ruleName: `${names.prefix}-retention`,
      schedule: events.Schedule.rate(Duration.hours(6)),
      targets: [targetOf('retain-snapshots')],
    });
    new events.Rule(this, 'ZoneShifted', {
      ruleName: `${names.prefix}-zone-shifted`,
      eventPattern: {
        source: ['aws.arc-zonal-shift'],
        detailType: [...SHIFT_BEGUN, ...SHIFT_OVER],
      },
      targets: [targetOf('handle-zone-event')],
    });
    new events.Rule(this, 'LaunchFailed', {
      ruleName: `${names.prefix}-launch-failed`,
      eventPattern: {
        source: ['aws.autoscaling'],
        detailType: ['EC2 Instance Launch Unsuccessful'],
        detail: { AutoScalingGroupName: [{ prefix: `${names.prefix}-` }] },
      },
      targets: [targetOf('handle-zone-event')],
    });
    new events.Rule(this, 'WorkflowEnded', {
      ruleName: `${names.prefix}-workflow-ended`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          status: ['ABORTED', 'FAILED', 'TIMED_OUT'],
          stateMachineArn: [{ prefix: names.arn('states', `stateMachine:${names.prefix}-`) }],
        },
      },
      targets: [sweeper],
    });
    // The schedule finds hosts whose event was lost.
    new events.Rule(this, 'HostLaunched', {
      ruleName: `${names.prefix}-host-launched`,
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { state: ['pending', 'running'] },
      },
      targets: [targetOf('give-addresses')],
    });
    // Its group finds what this misses.
    new events.Rule(this, 'HostEnded', {
      ruleName: `${names.prefix}-host-ended`,
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { state: [...HOST_ENDS] },
      },
      targets: [targetOf('replace-ended')],
    });
    this.makeNoticeRules(names);
  }

  /** Spot notices leave two minutes: nothing older is delivered. A retirement is told days ahead. */
  private makeNoticeRules(names: StageNames): void {
    const handler = this.functions.named('handle-interruption').function;
    const target = (maxEventAge: Duration) =>
      new targets.LambdaFunction(handler, { deadLetterQueue: this.deadLetters, retryAttempts: 5, maxEventAge });
    new events.Rule(this, 'SpotNotice', {
      ruleName: `${names.prefix}-spot-notice`,
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Spot Instance Interruption Warning', 'EC2 Instance Rebalance Recommendation'],
      },
      targets: [target(Duration.minutes(2))],
    });
    new events.Rule(this, 'InstanceRetirement', {
      ruleName: `${names.prefix}-instance-retirement`,
      eventPattern: {
        source: ['aws.health'],
        detailType: ['AWS Health Event'],
        detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange'] },
      },
      targets: [target(Duration.hours(1))],
    });
  }

  /** A minute that is lost is followed by the next: nothing is tried again, and no old event is worth anything. */
  private makeObserverRule(names: StageNames, observer: IStateMachine): void {
    new events.Rule(this, 'Observe', {
      ruleName: `${names.prefix}-observe`,
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [
        new targets.SfnStateMachine(observer, { deadLetterQueue: this.deadLetters, retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
      ],
    });
  }
}
