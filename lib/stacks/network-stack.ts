import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/schema';
import { removalPolicyOf } from '../constructs/removal';

export interface NetworkStackProps extends StackProps {
  readonly config: StageConfig;
}

/**
 * A VPC without a way to the internet: private subnets, and the free gateway endpoints of S3 and DynamoDB. No NAT gateway ($33 a month each) and no
 * interface endpoint ($7 a month and zone); what needs other AWS APIs runs outside the VPC (lib/config/functions.ts).
 */
export class NetworkStack extends Stack {
  readonly vpc: ec2.IVpc;
  readonly flinkClient: ec2.SecurityGroup;
  /** Private subnets by zone name. */
  readonly zones: readonly { readonly name: string; readonly subnetId: string }[];

  private readonly config: StageConfig;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    const { config } = props;
    this.config = config;
    const vpc = new ec2.Vpc(this, 'Vpc', {
      vpcName: `sluice-${config.name}`,
      ipAddresses: ec2.IpAddresses.cidr(config.vpcCidr),
      availabilityZones: config.availabilityZones,
      natGateways: 0,
      subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      // Emptying the VPC's default group takes a function at deploy time; nothing is ever put into that group.
      restrictDefaultSecurityGroup: false,
    });
    Validations.of(this).acknowledge({
      id: 'CloudFormation-Validate::W3010',
      reason: 'The stage configuration chooses the zones; none is left to chance.',
    });
    // CDK's classes do not match their interfaces under exactOptionalPropertyTypes.
    this.vpc = vpc as ec2.IVpc;
    this.zones = this.vpc.isolatedSubnets.map((subnet) => ({ name: subnet.availabilityZone, subnetId: subnet.subnetId }));
    this.addGatewayEndpoints();
    this.flinkClient = this.makeFlinkClientGroup(config);
    this.addFlowLogs(config);
  }

  /** From the stage, so that a synth asks no account for its zones (and writes no cdk.context.json). */
  override get availabilityZones(): string[] {
    return this.config.availabilityZones;
  }

  /** Through these endpoints only this account's own principals get anywhere: stolen foreign keys are of no use inside the VPC. */
  private addGatewayEndpoints(): void {
    const services = { S3: ec2.GatewayVpcEndpointAwsService.S3, DynamoDb: ec2.GatewayVpcEndpointAwsService.DYNAMODB };
    for (const [name, service] of Object.entries(services)) {
      this.vpc.addGatewayEndpoint(name, { service }).addToPolicy(
        new PolicyStatement({
          principals: [new AnyPrincipal()],
          actions: ['*'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': this.account } },
        }),
      );
    }
  }

  /** Group of the functions that call Flink: the only one that clusters' own groups let in at port 8081. */
  private makeFlinkClientGroup(config: StageConfig): ec2.SecurityGroup {
    const group = new ec2.SecurityGroup(this, 'FlinkClient', {
      vpc: this.vpc,
      securityGroupName: `sluice-${config.name}-flink-client`,
      description: 'Functions of the Sluice control plane that call Flink',
      allowAllOutbound: false,
    });
    group.addEgressRule(ec2.Peer.ipv4(config.vpcCidr), ec2.Port.tcp(8_081), 'Flink REST of any cluster');
    group.addEgressRule(ec2.Peer.prefixList(config.gatewayPrefixLists.s3), ec2.Port.tcp(443), 'S3 through its gateway endpoint');
    group.addEgressRule(
      ec2.Peer.prefixList(config.gatewayPrefixLists.dynamodb),
      ec2.Port.tcp(443),
      'DynamoDB through its gateway endpoint',
    );
    return group;
  }

  private addFlowLogs(config: StageConfig): void {
    if (!config.vpcFlowLogs) {
      Validations.of(this.vpc).acknowledge({
        id: 'AwsSolutions-VPC7',
        reason:
          'Flow logs cost $0.50 a GB, on a busy Flink cluster more than the control plane; vpcFlowLogs in the stage configuration turns them on.',
      });
      return;
    }
    const logGroup = new logs.LogGroup(this, 'FlowLogs', {
      logGroupName: `/sluice/${config.name}/vpc-flow`,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicyOf(config),
    });
    this.vpc.addFlowLog('FlowLog', { destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup) });
  }
}
