import { Match } from 'aws-cdk-lib/assertions';
import { configOf, stageOf, synthesise } from './support/synth';

const stage = stageOf('dev');

describe('the network', () => {
  it('has one private subnet in each of three zones', () => {
    const subnets = stage.ofType('AWS::EC2::Subnet');
    expect(subnets.map((subnet) => subnet.Properties.AvailabilityZone)).toEqual(['eu-west-1a', 'eu-west-1b', 'eu-west-1c']);
    expect(subnets.every((subnet) => subnet.Properties.MapPublicIpOnLaunch === false)).toBe(true);
  });

  it.each(['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway', 'AWS::EC2::EIP', 'AWS::EC2::Route', 'AWS::EC2::VPCPeeringConnection'])(
    'has no way to the internet: no %s',
    (type) => {
      expect(stage.ofType(type)).toEqual([]);
    },
  );

  it('pays for no interface endpoint and no load balancer', () => {
    expect(stage.ofType('AWS::EC2::VPCEndpoint').map((endpoint) => endpoint.Properties.VpcEndpointType)).toEqual(['Gateway', 'Gateway']);
    expect(stage.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer')).toEqual([]);
  });

  it('lets only principals of its own account through the gateway endpoints', () => {
    stage.network.allResourcesProperties('AWS::EC2::VPCEndpoint', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Allow', Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } } })],
      },
    });
  });

  it('lets the functions that call Flink reach port 8081 inside the VPC, S3 and DynamoDB, and nothing else', () => {
    const group = stage.ofType('AWS::EC2::SecurityGroup')[0]?.Properties;
    const separate = stage.ofType('AWS::EC2::SecurityGroupEgress').map((rule) => rule.Properties);
    const egress = [...group.SecurityGroupEgress, ...separate];
    expect(stage.ofType('AWS::EC2::SecurityGroup')).toHaveLength(1);
    expect(egress.map((rule) => [rule.IpProtocol, rule.FromPort, rule.ToPort, rule.CidrIp ?? rule.DestinationPrefixListId])).toEqual([
      ['tcp', 8_081, 8_081, '10.64.0.0/16'],
      ['tcp', 443, 443, 'pl-6da54004'],
      ['tcp', 443, 443, 'pl-6fa54006'],
    ]);
  });

  it('lets nobody in: no security group has an ingress rule', () => {
    expect(stage.ofType('AWS::EC2::SecurityGroupIngress')).toEqual([]);
    expect(stage.ofType('AWS::EC2::SecurityGroup').flatMap((group) => group.Properties.SecurityGroupIngress ?? [])).toEqual([]);
  });

  it('writes flow logs where the stage asks for them', () => {
    expect(stage.ofType('AWS::EC2::FlowLog')).toEqual([]);
    const [withLogs] = synthesise({ ...configOf('dev'), vpcFlowLogs: true });
    expect(withLogs?.ofType('AWS::EC2::FlowLog')).toHaveLength(1);
  });
});
