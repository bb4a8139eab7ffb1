import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { type IStateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionDefinition } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { permissionsOf } from '../constructs/grants';
import { HttpEntrance } from '../constructs/http-entrance';
import { ServiceFunction } from '../constructs/service-function';
import { stageEnvironment } from '../constructs/stage-environment';
import { StateMachineFromAsl } from '../constructs/state-machine-from-asl';
import type { NetworkStack } from './network-stack';
import type { NodesStack } from './nodes-stack';
import type { StorageStack } from './storage-stack';

export interface ControlPlaneStackProps extends StackProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  readonly network: NetworkStack;
  readonly storage: StorageStack;
  readonly nodes: NodesStack;
  /** Bundled code of a function by its name. */
  readonly codeOf: (name: string) => Code;
  /** Folder with one `<kind>/definition.asl.json` for each kind of operation. */
  readonly definitionsFolder: string;
}

/** The machine that no operation starts, but the clock. */
const OBSERVER = 'observe-clusters';

/** Functions, workflows, the API in front of them, and the events that start some of them. */
export class ControlPlaneStack extends Stack {
  private readonly functions = new Map<string, ServiceFunction>();
  private readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: ControlPlaneStackProps) {
    super(scope, id, { ...props, suppressTemplateIndentation: true });
    this.deadLetters = new sqs.Queue(this, 'DeadLetters', {
      queueName: `${props.names.prefix}-dead-letters`,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    // Once in the template and by reference in each function: a template holds 1 MB, and the stage is 3 KB.
    const stage = new ssm.StringParameter(this, 'Stage', {
      parameterName: `/sluice/${props.config.name}/stage`,
      description: 'What the functions of this stage are told; changed by cdk deploy only',
      stringValue: stageEnvironment(this, props),
    });
    const environment = { SLUICE_STAGE: stage.stringValue };
    for (const [name, definition] of Object.entries(FUNCTIONS))
      this.functions.set(name, this.makeFunction(name, definition, props, environment));
    const observer = this.makeStateMachines(props);
    const api = new HttpEntrance(this, 'Api', {
      config: props.config,
      names: props.names,
      functionOf: (name) => this.functionNamed(name).function,
    });
    this.makeRules(props.names);
    if (observer) this.makeObserverRule(props.names, observer);
    new CfnOutput(this, 'ApiUrl', { value: api.url });
  }

  private makeFunction(
    name: string,
    definition: FunctionDefinition,
    props: ControlPlaneStackProps,
    environment: Record<string, string>,
  ): ServiceFunction {
    const { config, names, network, storage } = props;
    const about = { stage: config.name, vpcId: network.vpc.vpcId, kmsKeyArn: storage.key.keyArn };
    return new ServiceFunction(this, name, {
      config,
      names,
      name,
      definition,
      permissions: definition.grants.flatMap((grant) => permissionsOf(grant, names, about)),
      code: props.codeOf(name),
      environment,
      vpc: network.vpc,
      flinkClient: network.flinkClient,
      deadLetters: this.deadLetters,
    });
  }

  private functionNamed(name: string): ServiceFunction {
    const found = this.functions.get(name);
    if (!found) throw new Error(`lib/config/functions.ts has no function "${name}".`);
    return found;
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
        functionOf: (name) => (FUNCTIONS[name] && FUNCTIONS[name].kind !== 'api' ? this.functionNamed(name).function : undefined),
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
      new targets.LambdaFunction(this.functionNamed(name).function, {
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
        detailType: ['Autoshift In Progress', 'FIS Experiment Autoshift In Progress'],
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
    this.makeNoticeRules(names);
  }

  /** Spot notices leave two minutes: nothing older is delivered. A retirement is told days ahead. */
  private makeNoticeRules(names: StageNames): void {
    const handler = this.functionNamed('handle-interruption').function;
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
