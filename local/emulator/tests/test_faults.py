import time
import unittest

from botocore.exceptions import ClientError

from . import support as s


class Faults(unittest.TestCase):
    def tearDown(self):
        s.twin("DELETE", "faults")

    def fault(self, **rule):
        s.twin("POST", "faults", [rule])

    def test_a_call_fails_as_often_as_asked_in_the_words_of_each_service(self):
        calls = {
            ("s3", "ListBuckets"): lambda: s.client("s3").list_buckets(),
            ("dynamodb", "ListTables"): lambda: s.client("dynamodb").list_tables(),
            ("states", "ListStateMachines"): lambda: s.client("stepfunctions").list_state_machines(),
            ("lambda", "ListFunctions"): lambda: s.client("lambda").list_functions(),
            ("ec2", "DescribeVpcs"): lambda: s.client("ec2").describe_vpcs(),
            ("autoscaling", "DescribeAutoScalingGroups"): lambda: s.client("autoscaling").describe_auto_scaling_groups(),
            ("iam", "ListRoles"): lambda: s.client("iam").list_roles(),
        }
        for (service, action), call in calls.items():
            with self.subTest(service=service):
                self.fault(service=service, action=action, status=400, code="ThrottlingException", message="slow down", count=1)
                with self.assertRaisesRegex(ClientError, r"\(ThrottlingException\).*slow down"):
                    call()
                call()

    def test_a_call_can_be_made_late(self):
        self.fault(service="dynamodb", action="ListTables", delayMs=400, count=1)
        started = time.monotonic()
        s.client("dynamodb").list_tables()
        self.assertGreater(time.monotonic() - started, 0.4)

    def test_some_keys_of_a_bucket_can_be_slowed_down_and_others_not(self):
        s3, bucket = s.client("s3"), s.unique("slow")
        s3.create_bucket(Bucket=bucket)
        for key in ("savepoints/a/_metadata", "checkpoints/a/_metadata"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"state")
        self.fault(service="s3", action="GetObject", path=f"/{bucket}/savepoints/*", status=503, code="SlowDown")
        with self.assertRaisesRegex(ClientError, "SlowDown"):
            s3.get_object(Bucket=bucket, Key="savepoints/a/_metadata")
        s3.get_object(Bucket=bucket, Key="checkpoints/a/_metadata")
        s3.put_object(Bucket=bucket, Key="savepoints/a/_metadata", Body=b"newer")
        s.client("dynamodb").list_tables()

    def test_rules_are_taken_away_by_name(self):
        self.fault(service="s3", action="ListBuckets", status=500, name="storage")
        self.fault(service="dynamodb", action="ListTables", status=500, name="table")
        s.twin("DELETE", "faults/storage")
        s.client("s3").list_buckets()
        self.assertEqual(["table"], [rule["name"] for rule in s.twin("GET", "faults")])

    def test_less_than_a_call_a_second_is_one_after_so_long(self):
        tables = s.client("dynamodb").list_tables
        self.fault(service="dynamodb", action="ListTables", perSecond=0.5, status=400, code="Throttling")
        started = time.monotonic()
        tables()
        with self.assertRaisesRegex(ClientError, "Throttling"):
            tables()
        s.wait_for(lambda: self.passes(tables), "a call that passes", 30)
        self.assertGreaterEqual(time.monotonic() - started, 2)

    def passes(self, call) -> bool:
        try:
            return call() is not None
        except ClientError:
            return False

    def test_none_a_second_lets_none_pass(self):
        self.fault(service="dynamodb", action="ListTables", perSecond=0, status=400, code="Throttling")
        with self.assertRaisesRegex(ClientError, "Throttling"):
            s.client("dynamodb").list_tables()

    def test_an_unknown_field_of_a_rule_is_refused(self):
        self.assertIsNone(s.twin("POST", "faults", [{"servcie": "s3"}]))
        self.assertEqual(s.twin("GET", "faults"), [])


if __name__ == "__main__":
    unittest.main()
