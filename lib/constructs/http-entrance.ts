import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ROUTES } from '../../lambdas/contracts/routes';
import { apiFunctionName } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { removalPolicyOf } from './removal';

export interface HttpEntranceProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  readonly functionOf: (name: string) => IFunction;
}

/** One line a request, with who made it: the audit log of reads and changes alike. */
const ACCESS_LOG_FIELDS = {
  time: '$context.requestTime',
  requestId: '$context.requestId',
  caller: '$context.identity.userArn',
  account: '$context.identity.accountId',
  sourceIp: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  errorMessage: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
  latencyMs: '$context.responseLatency',
};

/** The HTTP API: a route for each entry of `lambdas/contracts/routes.ts`, none of them open to callers without an IAM signature. */
export class HttpEntrance extends Construct {
  readonly url: string;
  readonly apiId: string;

  constructor(scope: Construct, id: string, props: HttpEntranceProps) {
    super(scope, id);
    const { config, names } = props;
    const api = new apigw.HttpApi(this, 'HttpApi', {
      apiName: names.prefix,
      description: `Sluice ${config.name}: launch Flink clusters, run jobs`,
      createDefaultStage: false,
      defaultAuthorizer: new HttpIamAuthorizer(),
    });
    for (const route of ROUTES)
      api.addRoutes({
        path: route.path,
        methods: [apigw.HttpMethod[route.method]],
        integration: new HttpLambdaIntegration(route.handler, props.functionOf(apiFunctionName(route.handler))),
      });
    const logGroup = new logs.LogGroup(this, 'AccessLog', {
      logGroupName: `/sluice/${config.name}/api-access`,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicyOf(config),
    });
    const stage = new apigw.HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: config.api.throttle.ratePerSecond, burstLimit: config.api.throttle.burst },
      accessLogSettings: {
        destination: new apigw.LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
      },
    });
    this.url = stage.url;
    this.apiId = api.apiId;
  }
}
