import time
import unittest

from botocore.exceptions import ClientError

from . import support as s

NO_CAPACITY = {"service": "ec2", "action": "RunInstances", "code": "InsufficientInstanceCapacity"}


class AutoScalingGroups(unittest.TestCase):
    def tearDown(self):
        s.twin("DELETE", "faults")
        s.twin("PUT", "settings", {"autoStart": True, "launchRetrySeconds": 0.5, "launchBeforeTerminate": False})

    def setUp(self):
        s.twin("PUT", "settings", {"launchRetrySeconds": 0.5})

    def test_a_group_spreads_its_instances_over_its_subnets(self):
        name = s.group(s.launch_template(), 3)
        zones = sorted(m["AvailabilityZone"] for m in s.in_service(name, 3))
        self.assertEqual(zones, ["us-east-1a", "us-east-1b", "us-east-1c"])
        s.remove(name)

    def test_tags_of_the_template_and_of_the_group_reach_the_instance(self):
        template = s.launch_template(
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "sluice:role", "Value": "taskmanager"}]}]
        )
        name = s.group(
            template,
            1,
            Tags=[{"Key": "Team", "Value": "flights", "PropagateAtLaunch": True}, {"Key": "No", "Value": "x", "PropagateAtLaunch": False}],
        )
        tags = {t["Key"]: t["Value"] for t in s.instance(s.in_service(name, 1)[0]["InstanceId"])["Tags"]}
        self.assertEqual((tags["sluice:role"], tags["Team"], tags["aws:autoscaling:groupName"]), ("taskmanager", "flights", name))
        self.assertNotIn("No", tags)
        s.remove(name)

    def test_a_template_with_private_addresses_is_refused_and_hosts_get_them_afterwards(self):
        nic = {"DeviceIndex": 0, "Groups": [s.security_group()]}
        tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "sluice:stage", "Value": "blue"}]}]
        for more in ({"SecondaryPrivateIpAddressCount": 1}, {"PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": "127.64.0.20"}]}):
            with self.assertRaisesRegex(ClientError, "does not support Private IP addresses"):
                s.group(s.launch_template(NetworkInterfaces=[{**nic, **more}]), 1)
        name = s.group(s.launch_template(NetworkInterfaces=[nic], TagSpecifications=tags), 1)
        instance_id = s.in_service(name, 1)[0]["InstanceId"]
        eni = s.instance(instance_id)["NetworkInterfaces"][0]["NetworkInterfaceId"]
        [found] = s.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"]
        self.assertEqual(found["TagSet"], tags[0]["Tags"])
        s.client("ec2").assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=2)
        addresses = [a["PrivateIpAddress"] for a in s.instance(instance_id)["NetworkInterfaces"][0]["PrivateIpAddresses"]]
        machine = next(i for i in s.twin("GET", "instances") if i["instanceId"] == instance_id)
        self.assertEqual((len(set(addresses)), [machine["privateIp"], *machine["secondaryIps"]]), (3, addresses))
        s.remove(name)

    def test_a_template_with_a_volume_that_ebs_does_not_make_is_refused(self):
        def template(**ebs):
            return s.launch_template(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "VolumeSize": 20, **ebs}}])

        for ebs, why in (
            ({"Throughput": 1000}, "Throughput .* ratio of 0.333333 is too high"),
            ({"Iops": 10001}, "ratio of 500.050000 is too high"),
            ({"Throughput": 2001, "Iops": 9000}, "2001 MiBps is not between"),
            ({"Throughput": 100}, "100 MiBps is not between"),
            ({"Iops": 80001, "VolumeSize": 200}, "80001 is not between"),
        ):
            with self.subTest(ebs), self.assertRaisesRegex(ClientError, "fully-formed launch template. .*" + why):
                s.group(template(**ebs), 1)
        name = s.group(template(Throughput=2000, Iops=8000), 1)
        s.in_service(name, 1)
        s.remove(name)

    def test_a_mixed_group_takes_an_image_by_its_id_only_which_the_template_tells(self):
        parameter = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        template = s.launch_template(ImageId=parameter)
        policy = {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": "c5.large"}, {"InstanceType": "c6i.large"}],
            },
        }
        with self.assertRaisesRegex(ClientError, 'expecting "ami-'):
            s.group(template, 1, MixedInstancesPolicy=policy)
        s.remove(s.group(template, 0))

        def image(**more) -> str:
            versions = s.client("ec2").describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"], **more)
            return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"]

        self.assertEqual(image(), parameter)
        self.assertRegex(image(ResolveAlias=True), r"^ami-[0-9a-f]{17}$")
        self.assertEqual(image(), parameter)

    def test_a_template_that_asks_for_ebs_optimization_launches_no_type_that_cannot_be_optimized(self):
        with self.assertRaisesRegex(ClientError, "EBS-optimized instances are not supported"):
            s.group(s.launch_template(EbsOptimized=True, InstanceType="t2.large"), 1)
        for asked, instance_type in ((True, "t3.large"), (False, "t2.large")):
            name = s.group(s.launch_template(EbsOptimized=asked, InstanceType=instance_type), 1)
            self.assertEqual(s.instance(s.in_service(name, 1)[0]["InstanceId"])["InstanceType"], instance_type)
            s.remove(name)

    def test_an_instance_terminated_behind_the_groups_back_is_replaced(self):
        name = s.group(s.launch_template(), 1)
        first = s.in_service(name, 1)[0]["InstanceId"]
        s.client("ec2").terminate_instances(InstanceIds=[first])
        s.wait_for(lambda: [m for m in s.members(name) if m["InstanceId"] != first], "a replacement")
        self.assertTrue(any("EC2 health check" in a["Cause"] for a in s.activities(name)))
        s.remove(name)

    def test_a_host_that_dies_is_replaced(self):
        name = s.group(s.launch_template(), 1)
        first = s.in_service(name, 1)[0]["InstanceId"]
        s.twin("POST", f"instances/{first}/state", {"state": "terminated", "reason": "power"})
        s.wait_for(lambda: [m for m in s.members(name) if m["InstanceId"] != first], "a replacement")
        self.assertEqual(s.instance(first)["State"]["Name"], "terminated")
        s.remove(name)

    def test_an_unhealthy_instance_is_replaced(self):
        name = s.group(s.launch_template(), 1)
        first = s.in_service(name, 1)[0]["InstanceId"]
        s.client("autoscaling").set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
        s.wait_for(lambda: [m for m in s.members(name) if m["InstanceId"] != first], "a replacement")
        s.remove(name)

    def test_without_capacity_the_activity_fails_with_the_words_of_aws_and_the_launch_is_tried_again(self):
        s.twin("POST", "faults", [{**NO_CAPACITY, "zone": "us-east-1a"}])
        name = s.group(s.launch_template(), 1, zones="a")
        failed = s.wait_for(lambda: [a for a in s.activities(name) if a["StatusCode"] == "Failed"], "a failed activity")[0]
        self.assertIn(
            "We currently do not have sufficient c5.large capacity in the Availability Zone you requested (us-east-1a).",
            failed["StatusMessage"],
        )
        self.assertEqual(s.members(name, None), [])
        s.twin("DELETE", "faults")
        s.in_service(name, 1)
        s.remove(name)

    def test_activities_of_a_deleted_group_are_told_to_who_asks_for_them(self):
        name = s.group(s.launch_template(), 1)
        instance_id = s.in_service(name, 1)[0]["InstanceId"]
        s.remove(name)
        asg = s.client("autoscaling")
        with self.assertRaisesRegex(Exception, "not found"):
            asg.describe_scaling_activities(AutoScalingGroupName=name)
        told = asg.describe_scaling_activities(AutoScalingGroupName=name, IncludeDeletedGroups=True)["Activities"]
        self.assertEqual(
            [a["Description"] for a in told], [f"Terminating EC2 instance: {instance_id}", f"Launching a new EC2 instance: {instance_id}"]
        )

    def test_without_capacity_in_one_zone_the_others_are_used(self):
        s.twin("POST", "faults", [{**NO_CAPACITY, "zone": "us-east-1a"}])
        name = s.group(s.launch_template(), 2)
        self.assertNotIn("us-east-1a", {m["AvailabilityZone"] for m in s.in_service(name, 2)})
        s.remove(name)

    def test_a_zone_that_has_capacity_again_gets_its_share_and_its_instance_runs_before_another_goes(self):
        s.twin("POST", "faults", [{**NO_CAPACITY, "zone": "us-east-1a"}])
        s.twin("PUT", "settings", {"launchRetryMaxSeconds": 0.5})
        name = s.group(s.launch_template(), 4)
        self.assertNotIn("us-east-1a", {m["AvailabilityZone"] for m in s.in_service(name, 4)})
        s.twin("DELETE", "faults")

        def balanced():
            zones = [m["AvailabilityZone"] for m in s.members(name)]
            self.assertGreaterEqual(len(zones), 4)
            return len(zones) == 4 and "us-east-1a" in zones

        s.wait_for(balanced, "an instance in the zone that came back")
        self.assertTrue(any("to balance instances in zones" in a["Cause"] for a in s.activities(name)))
        s.remove(name)

    def test_a_group_without_azrebalance_leaves_its_instances_where_they_are_and_launches_where_the_fewest_are(self):
        s.twin("POST", "faults", [{**NO_CAPACITY, "zone": "us-east-1a"}])
        s.twin("PUT", "settings", {"launchRetryMaxSeconds": 0.5})
        name = s.group(s.launch_template(), 4)
        s.client("autoscaling").suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
        before = {m["InstanceId"] for m in s.in_service(name, 4)}
        s.twin("DELETE", "faults")
        time.sleep(1.5)
        self.assertEqual({m["InstanceId"] for m in s.members(name, None)}, before)
        s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=5)
        s.wait_for(lambda: [m for m in s.members(name) if m["AvailabilityZone"] == "us-east-1a"], "an instance in the emptiest zone")
        s.remove(name)

    def test_terminating_an_instance_with_decrement_leaves_the_group_smaller(self):
        name = s.group(s.launch_template(), 2)
        gone = s.in_service(name, 2)[0]["InstanceId"]
        answer = s.client("autoscaling").terminate_instance_in_auto_scaling_group(InstanceId=gone, ShouldDecrementDesiredCapacity=True)
        self.assertIn(gone, answer["Activity"]["Description"])
        self.assertNotIn(gone, [m["InstanceId"] for m in s.in_service(name, 1)])
        s.remove(name)

    def test_a_protected_instance_survives_a_scale_in(self):
        name = s.group(s.launch_template(), 2, zones="a")
        kept = s.in_service(name, 2)[0]["InstanceId"]
        s.client("autoscaling").set_instance_protection(AutoScalingGroupName=name, InstanceIds=[kept], ProtectedFromScaleIn=True)
        s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
        self.assertEqual(s.in_service(name, 1)[0]["InstanceId"], kept)
        s.remove(name)

    def test_a_capacity_outside_the_limits_is_refused(self):
        name = s.group(s.launch_template(), 0)
        with self.assertRaisesRegex(ClientError, "ValidationError.*above max value 10"):
            s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=11)
        s.remove(name)

    def test_a_group_with_instances_is_deleted_only_by_force_and_then_they_go_too(self):
        name = s.group(s.launch_template(), 1)
        member = s.in_service(name, 1)[0]["InstanceId"]
        with self.assertRaisesRegex(ClientError, "ResourceInUse"):
            s.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name)
        s.remove(name)
        self.assertEqual(s.instance(member)["State"]["Name"], "terminated")

    def test_a_second_group_of_the_same_name_is_refused(self):
        name = s.group(s.launch_template(), 0)
        with self.assertRaisesRegex(ClientError, "AlreadyExists"):
            s.client("autoscaling").create_auto_scaling_group(
                AutoScalingGroupName=name,
                MinSize=0,
                MaxSize=1,
                LaunchTemplate={"LaunchTemplateId": s.launch_template()},
                AvailabilityZones=["us-east-1a"],
            )
        s.remove(name)

    def test_a_launch_hook_holds_the_instance_until_it_is_completed(self):
        name = s.group(s.launch_template(), 0)
        seen = s.listen(
            {
                "source": ["aws.autoscaling"],
                "detail-type": ["EC2 Instance-launch Lifecycle Action"],
                "detail": {"AutoScalingGroupName": [name]},
            }
        )
        s.client("autoscaling").put_lifecycle_hook(
            LifecycleHookName="hold",
            AutoScalingGroupName=name,
            HeartbeatTimeout=30,
            LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        )
        s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
        s.wait_for(lambda: s.members(name, "Pending:Wait"), "Pending:Wait")
        token = s.wait_for(seen, "the event")[0]["detail"]["LifecycleActionToken"]
        s.client("autoscaling").complete_lifecycle_action(
            LifecycleHookName="hold", AutoScalingGroupName=name, LifecycleActionToken=token, LifecycleActionResult="CONTINUE"
        )
        s.in_service(name, 1)
        s.remove(name)

    def test_a_hook_that_is_not_completed_ends_with_its_default_result(self):
        name = s.group(s.launch_template(), 0)
        s.client("autoscaling").put_lifecycle_hook(
            LifecycleHookName="hold",
            AutoScalingGroupName=name,
            HeartbeatTimeout=30,
            DefaultResult="CONTINUE",
            LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        )
        s.client("autoscaling").put_lifecycle_hook(
            LifecycleHookName="hold",
            AutoScalingGroupName=name,
            HeartbeatTimeout=1,
            DefaultResult="CONTINUE",
            LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        )
        s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
        s.in_service(name, 1)
        s.remove(name)

    def test_a_mixed_group_buys_the_stated_share_as_spot(self):
        template = s.launch_template()
        policy = {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": "c6i.large"}],
            },
            "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 0},
        }
        name = s.group(template, 3, MixedInstancesPolicy=policy)
        found = [s.instance(m["InstanceId"]) for m in s.in_service(name, 3)]
        self.assertEqual(sorted(i.get("InstanceLifecycle", "on-demand") for i in found), ["on-demand", "spot", "spot"])
        self.assertEqual({i["InstanceType"] for i in found}, {"c6i.large"})
        s.remove(name)

    def test_a_group_on_demand_takes_the_types_in_their_order_each_time(self):
        template = s.launch_template()
        policy = {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": "c5.large"}, {"InstanceType": "c6i.large"}],
            },
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 100, "OnDemandAllocationStrategy": "prioritized"},
        }
        fault = {"service": "ec2", "action": "RunInstances", "instanceType": "c5.large", "code": "InsufficientInstanceCapacity"}
        s.twin("POST", "faults", [fault])
        name = s.group(template, 1, MixedInstancesPolicy=policy)
        s.in_service(name, 1)
        s.twin("DELETE", "faults")
        s.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
        found = [s.instance(m["InstanceId"]) for m in s.in_service(name, 2)]
        self.assertEqual(sorted(i["InstanceType"] for i in found), ["c5.large", "c6i.large"])
        self.assertEqual({i.get("InstanceLifecycle", "on-demand") for i in found}, {"on-demand"})
        s.remove(name)

    def test_a_group_launches_the_default_version_of_its_template_as_it_is_then_and_a_version_inherits_what_it_does_not_say(self):
        ec2 = s.client("ec2")
        template = s.launch_template(InstanceType="c5.large", UserData="Zmlyc3Q=")
        made = ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"InstanceType": "c6i.large"}
        )["LaunchTemplateVersion"]
        self.assertEqual((made["VersionNumber"], made["DefaultVersion"], made["LaunchTemplateData"]["UserData"]), (2, False, "Zmlyc3Q="))
        alone = ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"InstanceType": "c7i.large"})
        self.assertNotIn("UserData", alone["LaunchTemplateVersion"]["LaunchTemplateData"])
        rule = {"service": "ec2", "action": "RunInstances", "instanceType": "c5.large", "zone": "us-east-1a"}
        s.twin("POST", "faults", [{**rule, "code": "InsufficientInstanceCapacity"}])
        name = s.group(template, 1, "a", "$Default")
        failed = s.wait_for(lambda: [a for a in s.activities(name) if a["StatusCode"] == "Failed"], "a launch without capacity")
        self.assertIn("c5.large", failed[0]["StatusMessage"])
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
        self.assertEqual(s.instance(s.in_service(name, 1)[0]["InstanceId"])["InstanceType"], "c6i.large")
        s.twin("DELETE", "faults")
        s.remove(name)

    def test_where_the_account_launches_before_it_terminates_an_interface_stays_in_use_unless_the_groups_policy_says_otherwise(self):
        s.twin("PUT", "settings", {"launchBeforeTerminate": True, "launchRetryMaxSeconds": 0.5})
        for policy in (None, {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 100}):
            nic = s.client("ec2").create_network_interface(SubnetId=s.vpc()["subnets"]["us-east-1b"], Groups=[s.security_group()])
            eni = nic["NetworkInterface"]["NetworkInterfaceId"]
            template = s.launch_template(NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": eni, "DeleteOnTermination": False}])
            name = s.group(
                template, 1, AvailabilityZones=["us-east-1b"], **({"InstanceMaintenancePolicy": policy} if policy else {})
            )
            first = s.in_service(name, 1)[0]["InstanceId"]
            s.client("autoscaling").set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
            if policy:
                s.wait_for(lambda: [m for m in s.members(name) if m["InstanceId"] != first], "another instance in its place")
                described = s.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
                self.assertEqual(described["InstanceMaintenancePolicy"], policy)
            else:
                s.wait_for(lambda: [a for a in s.activities(name) if "in use" in a.get("StatusMessage", "")], "a launch in vain")
                self.assertEqual([m["InstanceId"] for m in s.members(name)], [first])
            s.remove(name)

    def test_where_the_account_launches_before_it_terminates_an_unhealthy_instance_stays_until_another_serves(self):
        s.twin("PUT", "settings", {"launchBeforeTerminate": True, "autoStart": False})
        name = s.group(s.launch_template(), 1)
        start = lambda: s.wait_for(lambda: s.members(name, "Pending"), "a pending instance")[0]["InstanceId"]  # noqa: E731
        first = start()
        s.twin("POST", f"instances/{first}/state", {"state": "running"})
        s.in_service(name, 1)
        s.client("autoscaling").set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
        second = start()
        self.assertEqual([m["InstanceId"] for m in s.members(name)], [first])
        s.twin("POST", f"instances/{second}/state", {"state": "running"})
        s.wait_for(lambda: s.members(name, "Terminating"), "its end")
        self.assertEqual([m["InstanceId"] for m in s.members(name)], [second])
        s.twin("PUT", "settings", {"autoStart": True})
        s.remove(name)

    def test_with_an_existing_interface_the_group_gives_its_instances_that_address_one_after_the_other(self):
        eni = s.client("ec2").create_network_interface(SubnetId=s.vpc()["subnets"]["us-east-1b"], Groups=[s.security_group()])[
            "NetworkInterface"
        ]
        template = s.launch_template(
            NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": eni["NetworkInterfaceId"], "DeleteOnTermination": False}]
        )
        name = s.group(template, 1, AvailabilityZones=["us-east-1b"])
        first = s.in_service(name, 1)[0]["InstanceId"]
        self.assertEqual(s.instance(first)["PrivateIpAddress"], eni["PrivateIpAddress"])
        s.twin("PUT", "settings", {"autoStart": False})
        s.client("ec2").terminate_instances(InstanceIds=[first])
        in_use = s.wait_for(
            lambda: [a for a in s.activities(name) if a["StatusCode"] == "Failed"], "a launch that finds the interface in use"
        )
        self.assertIn("in use", in_use[0]["StatusMessage"])
        s.twin("POST", f"instances/{first}/state", {"state": "terminated"})
        second = s.wait_for(lambda: [m for m in s.members(name, "Pending") if m["InstanceId"] != first], "the next instance")[0][
            "InstanceId"
        ]
        s.twin("POST", f"instances/{second}/state", {"state": "running"})
        s.in_service(name, 1)
        self.assertEqual(s.instance(second)["PrivateIpAddress"], eni["PrivateIpAddress"])
        s.twin("PUT", "settings", {"autoStart": True})
        s.remove(name)
        left = s.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[eni["NetworkInterfaceId"]])["NetworkInterfaces"][0]
        self.assertEqual(left["Status"], "available")


if __name__ == "__main__":
    unittest.main()
