import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { HttpEntrance } from '../constructs/http-entrance';
import { type FunctionSurroundings, ServiceFunctions } from '../constructs/service-functions';

export interface ApiStackProps extends StackProps, FunctionSurroundings {}

/**
 * The HTTP API and the functions that answer its routes. They start workflows by name, so nothing here refers to the control plane's stack, or the other
 * way round: each of the two can be deployed without the other being changed.
 */
export class ApiStack extends Stack {
  readonly apiId: string;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const functions = new ServiceFunctions(this, { ...props, kinds: ['api'], parameterName: `/sluice/${props.config.name}/stage/api` });
    const { url, apiId } = new HttpEntrance(this, 'Api', {
      config: props.config,
      names: props.names,
      functionOf: (name) => functions.named(name).function,
    });
    this.apiId = apiId;
    new CfnOutput(this, 'ApiUrl', { value: url });
  }
}
