import json
import unittest
from pathlib import Path

from botocore.exceptions import ClientError

from . import support as s


def subnet(index: int) -> dict:
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.1.{index}.0/24", "AvailabilityZone": f"us-east-1{'abc'[index]}"},
    }


def template(instance_type: str = "c5.large", port: int = 8081) -> str:
    """The network and nodes of a small stage: isolated subnets, gateway endpoints, security groups, a template, a scaling group."""
    resources = {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {"CidrBlock": "10.1.0.0/16", "EnableDnsHostnames": True, "Tags": [{"Key": "Name", "Value": "stage"}]},
        },
        **{f"Subnet{i}": subnet(i) for i in range(3)},
        "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        **{
            f"Association{i}": {
                "Type": "AWS::EC2::SubnetRouteTableAssociation",
                "Properties": {"RouteTableId": {"Ref": "Routes"}, "SubnetId": {"Ref": f"Subnet{i}"}},
            }
            for i in range(3)
        },
        **{
            name: {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {
                    "VpcId": {"Ref": "Vpc"},
                    "ServiceName": f"com.amazonaws.us-east-1.{service}",
                    "VpcEndpointType": "Gateway",
                    "RouteTableIds": [{"Ref": "Routes"}],
                },
            }
            for name, service in (("S3", "s3"), ("Table", "dynamodb"))
        },
        "Control": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "control",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupEgress": [
                    {
                        "IpProtocol": "icmp",
                        "FromPort": 252,
                        "ToPort": 86,
                        "CidrIp": "255.255.255.255/32",
                        "Description": "Disallow all traffic",
                    }
                ],
            },
        },
        "Nodes": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "nodes",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.1.0.0/16"}],
            },
        },
        "Out": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Control", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 8081,
                "ToPort": 8081,
                "DestinationSecurityGroupId": {"Fn::GetAtt": ["Nodes", "GroupId"]},
            },
        },
        "In": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Nodes", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 6123,
                "ToPort": 6124,
                "SourceSecurityGroupId": {"Fn::GetAtt": ["Nodes", "GroupId"]},
            },
        },
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "ImageId": "ami-0123456789abcdef0",
                    "InstanceType": instance_type,
                    "SecurityGroupIds": [{"Fn::GetAtt": ["Nodes", "GroupId"]}],
                }
            },
        },
        "Workers": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "1",
                "MaxSize": "2",
                "VPCZoneIdentifier": [{"Ref": "Subnet0"}],
                "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}},
            },
        },
    }
    outputs = {
        "Vpc": {"Value": {"Ref": "Vpc"}},
        "Version": {"Value": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}},
        "Nodes": {"Value": {"Fn::GetAtt": ["Nodes", "GroupId"]}},
        "Control": {"Value": {"Ref": "Control"}},
        "Workers": {"Value": {"Ref": "Workers"}},
        "Routes": {"Value": {"Ref": "Routes"}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


class CloudFormation(unittest.TestCase):
    def stack(self, name: str) -> dict | None:
        try:
            return s.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            return None

    def settle(self, name: str) -> dict:
        stack = s.wait_for(
            lambda: (lambda found: found and not found["StackStatus"].endswith("PROGRESS") and found)(self.stack(name)), "the stack", 60
        )
        return {"status": stack["StackStatus"], **{o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}}

    def test_a_stages_network_and_nodes_are_created_updated_and_deleted(self):
        cloudformation, ec2, name = s.client("cloudformation"), s.client("ec2"), s.unique("stage")
        cloudformation.create_stack(StackName=name, TemplateBody=template())
        made = self.settle(name)
        self.assertEqual((made["status"], made["Version"]), ("CREATE_COMPLETE", "1"))
        control = ec2.describe_security_groups(GroupIds=[made["Control"]])["SecurityGroups"][0]
        self.assertEqual(sorted(str(p.get("FromPort")) for p in control["IpPermissionsEgress"]), ["252", "8081"])
        routes = ec2.describe_route_tables(RouteTableIds=[made["Routes"]])["RouteTables"][0]["Routes"]
        self.assertEqual(len([r for r in routes if r.get("DestinationPrefixListId")]), 2)
        s.in_service(made["Workers"], 1)

        cloudformation.update_stack(StackName=name, TemplateBody=template("c6i.large", 9249))
        changed = self.settle(name)
        self.assertEqual((changed["status"], changed["Version"], changed["Nodes"]), ("UPDATE_COMPLETE", "2", made["Nodes"]))
        ports = {p["FromPort"] for p in ec2.describe_security_groups(GroupIds=[made["Nodes"]])["SecurityGroups"][0]["IpPermissions"]}
        self.assertEqual(ports, {6123, 9249})

        cloudformation.delete_stack(StackName=name)
        s.wait_for(
            lambda: (self.stack(name) or {"StackStatus": "DELETE_COMPLETE"})["StackStatus"] == "DELETE_COMPLETE", "the end of the stack", 60
        )
        with self.assertRaisesRegex(ClientError, "InvalidVpcID.NotFound"):
            ec2.describe_vpcs(VpcIds=[made["Vpc"]])
        self.assertEqual(
            s.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[made["Workers"]])["AutoScalingGroups"], []
        )

    def test_a_functions_environments_end_with_its_stack(self):
        name, role = s.unique("stage"), s.role()
        resource = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "index.handler",
                "Runtime": "nodejs24.x",
                "Role": role,
                "Code": {"ZipFile": "exports.handler = async () => process.pid;"},
            },
        }
        s.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"Function": resource}, "Outputs": {"Name": {"Value": {"Ref": "Function"}}}}),
        )
        pid = s.invoke(self.settle(name)["Name"])[1]
        self.assertTrue(Path(f"/proc/{pid}").exists())
        s.client("cloudformation").delete_stack(StackName=name)
        s.wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the environment")

    def test_a_type_that_is_not_there_fails_the_stack(self):
        name = s.unique("stage")
        with self.assertRaisesRegex(ClientError, "AWS::EC2::TransitGateway"):
            s.client("cloudformation").create_stack(
                StackName=name, TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::EC2::TransitGateway"}}})
            )


if __name__ == "__main__":
    unittest.main()
