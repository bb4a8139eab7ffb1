import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionDefinition } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import type { NetworkStack } from '../stacks/network-stack';
import type { NodesStack } from '../stacks/nodes-stack';
import type { StorageStack } from '../stacks/storage-stack';
import { permissionsOf } from './grants';
import { ServiceFunction } from './service-function';
import { stageEnvironment } from './stage-environment';

/** What every stack with functions is given. */
export interface FunctionSurroundings {
  readonly config: StageConfig;
  readonly names: StageNames;
  readonly network: NetworkStack;
  readonly storage: StorageStack;
  readonly nodes: NodesStack;
  /** Bundled code of a function by its name. */
  readonly codeOf: (name: string) => Code;
}

export interface ServiceFunctionsProps extends FunctionSurroundings {
  /** Which functions of `lib/config/functions.ts` the stack holds. */
  readonly kinds: readonly FunctionDefinition['kind'][];
  /** Name of the parameter that tells these functions their stage. */
  readonly parameterName: string;
  /** Where asynchronous events go that failed for good; for functions of kind `events`. */
  readonly deadLetters?: IQueue;
}

/**
 * The functions of some kinds, made directly in a stack, with the stage that they are told. The stage is once in each template and by reference in each
 * function: a template holds 1 MB, and the stage is 3 KB. Each stack has a parameter of its own, because an export of a stack holds 1 KB.
 */
export class ServiceFunctions {
  private readonly functions: ReadonlyMap<string, ServiceFunction>;

  constructor(stack: Construct, props: ServiceFunctionsProps) {
    const { config, names, network, storage, kinds, deadLetters } = props;
    const stage = new ssm.StringParameter(stack, 'Stage', {
      parameterName: props.parameterName,
      description: 'What the functions of this stage are told; changed by cdk deploy only',
      stringValue: stageEnvironment(stack, props),
    });
    const about = { stage: config.name, vpcId: network.vpc.vpcId, kmsKeyArn: storage.key.keyArn };
    const ofKinds = Object.entries(FUNCTIONS).filter(([, { kind }]) => kinds.includes(kind));
    this.functions = new Map(
      ofKinds.map(([name, definition]) => [
        name,
        new ServiceFunction(stack, name, {
          config,
          names,
          name,
          definition,
          permissions: definition.grants.flatMap((grant) => permissionsOf(grant, names, about)),
          code: props.codeOf(name),
          environment: { SLUICE_STAGE: stage.stringValue },
          vpc: network.vpc,
          flinkClient: network.flinkClient,
          ...(deadLetters ? { deadLetters } : {}),
        }),
      ]),
    );
  }

  find(name: string): ServiceFunction | undefined {
    return this.functions.get(name);
  }

  named(name: string): ServiceFunction {
    const found = this.functions.get(name);
    if (!found) throw new Error(`lib/config/functions.ts has no function "${name}" of a kind that this stack holds.`);
    return found;
  }
}
