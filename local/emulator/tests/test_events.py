import datetime
import unittest

from . import support as s


class Events(unittest.TestCase):
    def test_a_groups_launches_failures_and_terminations_are_events(self):
        s.twin("PUT", "settings", {"launchRetrySeconds": 0.3})
        seen = s.listen({"source": ["aws.autoscaling"]})
        s.twin(
            "POST",
            "faults",
            [{"service": "ec2", "action": "RunInstances", "zone": "us-east-1c", "code": "InsufficientInstanceCapacity", "count": 1}],
        )
        name = s.group(s.launch_template(), 1, zones="c")
        s.in_service(name, 1)
        s.remove(name)
        types = {"EC2 Instance Launch Unsuccessful", "EC2 Instance Launch Successful", "EC2 Instance Terminate Successful"}
        s.wait_for(lambda: {e["detail-type"] for e in seen() if e["detail"]["AutoScalingGroupName"] == name} >= types, "the three events")
        launched = next(
            e for e in seen() if e["detail-type"] == "EC2 Instance Launch Successful" and e["detail"]["AutoScalingGroupName"] == name
        )
        self.assertEqual(launched["detail"]["Details"]["Availability Zone"], "us-east-1c")
        s.twin("DELETE", "faults")

    def test_what_ec2_tells_an_instance_comes_with_its_event(self):
        seen = s.listen({"source": ["aws.ec2", "aws.health"]})
        name = s.group(s.launch_template(), 1, zones="a")
        instance_id = s.in_service(name, 1)[0]["InstanceId"]
        notices = {
            "spot/instance-action": {"action": "terminate", "time": "2030-01-01T00:02:00Z"},
            "events/recommendations/rebalance": {"noticeTime": "2030-01-01T00:00:00Z"},
            "events/maintenance/scheduled": [{"Code": code, "NotBefore": "21 Jan 2030 09:00:43 GMT"} for code in ("instance-retirement", "instance-stop")],
        }
        for path, content in notices.items():
            s.twin("POST", f"instances/{instance_id}/notice", {"path": path, "content": content})
        kind = lambda e: e["detail"].get("eventTypeCode", e["detail-type"])  # noqa: E731
        kinds = {
            "EC2 Spot Instance Interruption Warning",
            "EC2 Instance Rebalance Recommendation",
            "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
            "AWS_EC2_INSTANCE_STOP_SCHEDULED",
        }
        told = s.wait_for(
            lambda: (lambda found: found if {kind(e) for e in found} >= kinds else None)([e for e in seen() if instance_id in str(e)]),
            "four events",
        )
        by_type = {event["detail-type"]: event for event in told}
        self.assertEqual("terminate", by_type["EC2 Spot Instance Interruption Warning"]["detail"]["instance-action"])
        self.assertEqual(instance_id, by_type["EC2 Instance Rebalance Recommendation"]["detail"]["instance-id"])
        health = by_type["AWS Health Event"]["detail"]
        self.assertEqual(("EC2", "scheduledChange", instance_id), (
            health["service"], health["eventTypeCategory"], health["affectedEntities"][0]["entityValue"]))
        s.remove(name)

    def test_an_event_can_be_lost_or_repeated(self):
        seen = s.listen({"source": ["aws.arc-zonal-shift"]})
        for zone, deliveries in (("us-east-1a", 0), ("us-east-1b", 2), ("us-east-1c", 1)):
            s.twin("POST", "faults", [{"service": "events", "action": "Autoshift*", "deliveries": deliveries, "count": 1}])
            s.twin("POST", f"zones/{zone}/impaired", {})
            s.wait_for(lambda: all(rule["hits"] for rule in s.twin("GET", "faults")), "the fault's use")
            s.twin("DELETE", "faults")
        repeated, again, once = s.wait_for(lambda: seen() if len(seen()) >= 3 else None, "three deliveries")
        self.assertEqual(repeated["id"], again["id"])
        self.assertNotEqual(repeated["id"], once["id"])

    def test_an_impaired_zone_is_an_autoshift_away_from_it(self):
        seen = s.listen({"source": ["aws.arc-zonal-shift"]})
        s.twin("POST", "zones/us-east-1b/impaired", {})
        told = s.wait_for(lambda: seen(), "the event")[0]
        zones = s.client("ec2").describe_availability_zones()["AvailabilityZones"]
        zone_id = next(zone["ZoneId"] for zone in zones if zone["ZoneName"] == "us-east-1b")
        self.assertEqual(("Autoshift In Progress", zone_id), (told["detail-type"], told["detail"]["metadata"]["awayFrom"]))

    def test_an_impaired_zone_is_described_as_such_until_it_is_well(self):
        def state():
            zones = s.client("ec2").describe_availability_zones(ZoneNames=["us-east-1c"])["AvailabilityZones"]
            return zones[0]["State"], len(zones[0]["Messages"])

        seen = s.listen({"source": ["aws.arc-zonal-shift"], "detail-type": ["Autoshift Completed"]})
        s.twin("POST", "zones/us-east-1c/impaired", {})
        self.assertEqual(("impaired", 1), state())
        s.twin("POST", "zones/us-east-1c/well", {})
        self.assertEqual(("available", 0), state())
        s.wait_for(lambda: seen(), "the end of the autoshift")
        s.twin("POST", "zones/us-east-1c/well", {})
        self.assertEqual(1, len(seen()))

    def test_a_change_of_an_alarms_state_is_an_event(self):
        seen = s.listen({"source": ["aws.cloudwatch"]})
        name = s.unique("lag")
        s.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="Sluice",
            MetricName="Lag",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        s.client("cloudwatch").put_metric_data(
            Namespace="Sluice", MetricData=[{"MetricName": "Lag", "Value": 5, "Timestamp": datetime.datetime.now()}]
        )
        s.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
        event = s.wait_for(
            lambda: [e for e in seen() if e["detail"]["alarmName"] == name and e["detail"]["state"]["value"] == "ALARM"], "the event"
        )[0]
        self.assertEqual(event["detail-type"], "CloudWatch Alarm State Change")


if __name__ == "__main__":
    unittest.main()
