import { readFileSync } from 'node:fs';
import { Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { placeholderOf } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { type Permission, permit } from './permissions';
import { removalPolicyOf } from './removal';

export interface StateMachineFromAslProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  /** Kind of operation, or what else the machine does; its name is `sluice-<stage>-<kind>`. */
  readonly kind: string;
  /** `definition.asl.json`; `${StartJob}` in it stands for the ARN of function `start-job`. */
  readonly definitionFile: string;
  readonly functionOf: (name: string) => IFunction | undefined;
  /**
   * Express: ends within five minutes, keeps no history, may run twice, and costs by its time and memory ($1 a million and $0.06 for an hour of
   * 64 MB) instead of by its transitions ($25 a million).
   * @default sfn.StateMachineType.STANDARD
   */
  readonly type?: sfn.StateMachineType;
}

/** Names in `${…}` that a definition holds, each once. */
export const placeholdersIn = (definition: string): string[] => [
  ...new Set([...definition.matchAll(/\$\{([A-Za-z]+)\}/g)].map((match) => match[1] as string)),
];

const toFunctionName = (placeholder: string): string => placeholder.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

/** A state machine whose definition is a file that can be read, checked and run by itself. */
export class StateMachineFromAsl extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: StateMachineFromAslProps) {
    super(scope, id);
    const { config, names, kind, type = sfn.StateMachineType.STANDARD } = props;
    const tracing = config.tracing && type === sfn.StateMachineType.STANDARD;
    const definition = readFileSync(props.definitionFile, 'utf8');
    const functions = placeholdersIn(definition).map((placeholder) => {
      const found = props.functionOf(toFunctionName(placeholder));
      if (!found || placeholderOf(toFunctionName(placeholder)) !== placeholder)
        throw new Error(`${props.definitionFile} calls \${${placeholder}}, which is no workflow function of lib/config/functions.ts.`);
      return [placeholder, found] as const;
    });
    const logGroup = new logs.LogGroup(this, 'Logs', {
      // Step Functions adds to one resource policy of the account; this prefix keeps that policy from growing with each machine.
      logGroupName: `/aws/vendedlogs/states/${names.prefix}-${kind}`,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicyOf(config),
    });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
      description: `Sluice workflow ${names.prefix}-${kind}`,
    });
    permit(role, this.permissions(tracing, functions));
    this.stateMachine = new sfn.StateMachine(this, 'Machine', {
      stateMachineName: `${names.prefix}-${kind}`,
      stateMachineType: type,
      // Without its indentation: a template may have 1 MB, and half a definition is spaces.
      definitionBody: sfn.DefinitionBody.fromString(JSON.stringify(JSON.parse(definition))),
      definitionSubstitutions: Object.fromEntries(functions.map(([placeholder, found]) => [placeholder, found.functionArn])),
      role,
      logs: { destination: logGroup, level: sfn.LogLevel.ERROR, includeExecutionData: false },
      tracingEnabled: tracing,
      removalPolicy: removalPolicyOf({ removal: 'destroy' }),
    });
    Validations.of(this.stateMachine).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason:
          'Each phase of an operation is recorded on the operation, and Step Functions keeps the history 90 days; errors are logged as well.',
      },
      ...(tracing
        ? []
        : [
            {
              id: 'AwsSolutions-SF2',
              reason: config.tracing
                ? 'A trace of each of its many executions would cost more than they do.'
                : 'This stage has tracing turned off.',
            },
          ]),
    );
  }

  private permissions(isTraced: boolean, functions: readonly (readonly [string, IFunction])[]): Permission[] {
    const logging: Permission = {
      actions: [
        'CreateLogDelivery',
        'GetLogDelivery',
        'UpdateLogDelivery',
        'DeleteLogDelivery',
        'ListLogDeliveries',
        'PutResourcePolicy',
        'DescribeResourcePolicies',
        'DescribeLogGroups',
      ].map((action) => `logs:${action}`),
      resources: ['*'],
      because: 'Step Functions sets up log delivery with the role of the machine; these calls know no resources.',
    };
    const tracing: Permission = {
      actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
      resources: ['*'],
      because: 'X-Ray knows no resources.',
    };
    const invoke: Permission = { actions: ['lambda:InvokeFunction'], resources: functions.map(([, found]) => found.functionArn) };
    return [...(functions.length > 0 ? [invoke] : []), logging, ...(isTraced ? [tracing] : [])];
  }
}
