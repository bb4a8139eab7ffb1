import unittest

from botocore.exceptions import ClientError

from . import support as s


class Instances(unittest.TestCase):
    def tearDown(self):
        s.twin("PUT", "settings", {"autoStart": True})

    def run_one(self, zone="us-east-1a", **data):
        template = s.launch_template(**data)
        made = s.client("ec2").run_instances(
            MinCount=1,
            MaxCount=1,
            LaunchTemplate={"LaunchTemplateId": template},
            **({} if "NetworkInterfaces" in data else {"SubnetId": s.vpc()["subnets"][zone]}),
        )
        return made["Instances"][0]["InstanceId"]

    def test_an_instance_has_its_address_from_its_subnet(self):
        self.assertTrue(s.instance(self.run_one("us-east-1b"))["PrivateIpAddress"].startswith("127.64."))
        self.assertTrue(16 <= int(s.instance(self.run_one("us-east-1b"))["PrivateIpAddress"].split(".")[2]) < 32)

    def test_secondary_addresses_are_free_addresses_of_the_same_subnet(self):
        nic = {
            "DeviceIndex": 0,
            "SubnetId": s.vpc()["subnets"]["us-east-1c"],
            "Groups": [s.security_group()],
            "SecondaryPrivateIpAddressCount": 2,
        }
        addresses = s.instance(self.run_one(NetworkInterfaces=[nic]))["NetworkInterfaces"][0]["PrivateIpAddresses"]
        self.assertEqual([a["Primary"] for a in addresses], [True, False, False])
        self.assertEqual(len({a["PrivateIpAddress"] for a in addresses}), 3)

    def test_an_instance_waits_for_its_hardware(self):
        s.twin("PUT", "settings", {"autoStart": False})
        instance_id = self.run_one()
        self.assertEqual(s.instance(instance_id)["State"]["Name"], "pending")
        s.twin("POST", f"instances/{instance_id}/state", {"state": "running"})
        self.assertEqual(s.instance(instance_id)["State"]["Name"], "running")
        s.client("ec2").terminate_instances(InstanceIds=[instance_id])
        self.assertEqual(s.instance(instance_id)["State"]["Name"], "shutting-down")
        self.assertIn("PrivateIpAddress", s.instance(instance_id))
        s.twin("POST", f"instances/{instance_id}/state", {"state": "terminated"})
        ended = s.instance(instance_id)
        self.assertEqual((ended["State"]["Name"], ended.get("NetworkInterfaces")), ("terminated", []))

    def test_the_fleet_agent_sees_what_it_needs_to_boot_an_instance(self):
        profile = s.unique("profile")
        s.client("iam").create_instance_profile(InstanceProfileName=profile)
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "sluice:cluster", "Value": "blue"}]}]
        instance_id = self.run_one(IamInstanceProfile={"Name": profile}, TagSpecifications=tags)
        seen = next(i for i in s.twin("GET", "instances") if i["instanceId"] == instance_id)
        self.assertEqual(
            (seen["tags"]["sluice:cluster"], seen["userData"], seen["zone"], seen["instanceType"]),
            ("blue", "#!/bin/sh\n", "us-east-1a", "c5.large"),
        )
        self.assertTrue(seen["instanceProfileArn"].endswith(profile))

    def test_the_hardware_gets_the_credentials_of_the_instance_profiles_role(self):
        profile = s.unique("profile")
        role = s.role("ec2.amazonaws.com", {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
        s.client("iam").create_instance_profile(InstanceProfileName=profile)
        s.client("iam").add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role.split("/")[-1])
        found = s.twin("GET", f"instances/{self.run_one(IamInstanceProfile={'Name': profile})}/credentials")
        import boto3

        mine = dict(
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["Token"],
            endpoint_url=s.endpoint(),
            region_name=s.REGION,
        )
        boto3.client("s3", **mine).list_buckets()
        with self.assertRaisesRegex(ClientError, "UnauthorizedOperation|AccessDenied"):
            boto3.client("ec2", **mine).describe_instances()

    def test_a_launch_with_an_unknown_profile_or_type_is_refused(self):
        with self.assertRaisesRegex(ClientError, "Invalid IAM Instance Profile name"):
            self.run_one(IamInstanceProfile={"Name": "nobody"})
        with self.assertRaisesRegex(ClientError, "c5.huge"):
            self.run_one(InstanceType="c5.huge")

    def test_an_interface_in_use_is_neither_deleted_nor_used_again(self):
        eni = s.client("ec2").create_network_interface(SubnetId=s.vpc()["subnets"]["us-east-1a"])["NetworkInterface"]["NetworkInterfaceId"]
        nic = {"DeviceIndex": 0, "NetworkInterfaceId": eni}
        instance_id = self.run_one(NetworkInterfaces=[nic])
        with self.assertRaisesRegex(ClientError, "in use"):
            s.client("ec2").delete_network_interface(NetworkInterfaceId=eni)
        with self.assertRaisesRegex(ClientError, "InvalidNetworkInterface.InUse"):
            self.run_one(NetworkInterfaces=[nic])
        s.client("ec2").terminate_instances(InstanceIds=[instance_id])
        s.wait_for(lambda: s.instance(instance_id)["State"]["Name"] == "terminated", "the end of the instance")
        s.client("ec2").delete_network_interface(NetworkInterfaceId=eni)

    def test_a_security_group_in_use_is_not_deleted(self):
        group = s.security_group()
        eni = s.client("ec2").create_network_interface(SubnetId=s.vpc()["subnets"]["us-east-1a"], Groups=[group])["NetworkInterface"][
            "NetworkInterfaceId"
        ]
        with self.assertRaisesRegex(ClientError, "DependencyViolation"):
            s.client("ec2").delete_security_group(GroupId=group)
        s.client("ec2").delete_network_interface(NetworkInterfaceId=eni)
        s.client("ec2").delete_security_group(GroupId=group)

    def test_each_change_of_state_is_an_event(self):
        seen = s.listen({"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]})
        instance_id = self.run_one()
        s.client("ec2").terminate_instances(InstanceIds=[instance_id])
        states = s.wait_for(
            lambda: (lambda found: len(found) >= 3 and found)(
                [e["detail"]["state"] for e in seen() if e["detail"]["instance-id"] == instance_id]
            ),
            "the events",
        )
        self.assertEqual(sorted(set(states) - {"running"}), sorted({"pending", "shutting-down", "terminated"} & set(states)))

    def test_instance_facts_are_those_of_aws(self):
        facts = s.client("ec2").describe_instance_types(InstanceTypes=["c6id.2xlarge"])["InstanceTypes"][0]
        self.assertEqual(
            (facts["VCpuInfo"]["DefaultVCpus"], facts["MemoryInfo"]["SizeInMiB"], facts["InstanceStorageInfo"]["TotalSizeInGB"]),
            (8, 16384, 474),
        )

    def test_instance_types_come_in_pages(self):
        pages = (
            s.client("ec2")
            .get_paginator("describe_instance_types")
            .paginate(Filters=[{"Name": "instance-storage-supported", "Values": ["true"]}])
        )
        sizes = [len(page["InstanceTypes"]) for page in pages]
        self.assertEqual((max(sizes), len(sizes) > 2), (100, True))

    def test_the_prefix_lists_of_gateway_endpoints_have_the_ids_of_the_region(self):
        lists = {found["PrefixListName"]: found["PrefixListId"] for found in s.client("ec2").describe_managed_prefix_lists()["PrefixLists"]}
        self.assertEqual((lists["com.amazonaws.us-east-1.s3"], lists["com.amazonaws.us-east-1.dynamodb"]), ("pl-63a5400a", "pl-02cd2c6b"))


if __name__ == "__main__":
    unittest.main()
