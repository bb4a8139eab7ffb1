import datetime
import json
import time
import unittest

import boto3
from botocore.exceptions import ClientError

from . import support as s

CLOUDWATCH = s.client("cloudwatch")


def dimensions(job: str) -> list[dict]:
    return [{"Name": "Stage", "Value": "test"}, {"Name": "Job", "Value": job}]


def put_alarm(name: str, job: str, **settings) -> None:
    defaults = {
        "Namespace": "Sluice",
        "MetricName": "LagSeconds",
        "Dimensions": dimensions(job),
        "Statistic": "Maximum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmDescription": "Behind.",
    }
    CLOUDWATCH.put_metric_alarm(AlarmName=name, **(defaults | settings))


def put_lag(job: str, *values: float, ago: float = 0) -> None:
    """The last value is of the period that has just ended (or did so `ago`), the one before of the period before."""
    end = (time.time() - ago) // 10 * 10
    data = [
        {
            "MetricName": "LagSeconds",
            "Dimensions": dimensions(job),
            "Timestamp": datetime.datetime.fromtimestamp(end - 10 * age + 5, datetime.timezone.utc),
            "Value": value,
            "StorageResolution": 1,
        }
        for age, value in enumerate(reversed(values), start=1)
    ]
    CLOUDWATCH.put_metric_data(Namespace="Sluice", MetricData=data)


def state(name: str) -> str:
    return CLOUDWATCH.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


class Alarms(unittest.TestCase):
    def test_alarms_watch_their_own_dimensions_by_the_clock_and_tell_of_changes_only(self):
        seen = s.listen({"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": "alarm-"}]}})
        named = lambda *what: (s.unique(f"alarm-{each}") for each in what)  # noqa: E731
        late, calm, silent, counted, kept, forgotten = named("late", "calm", "silent", "counted", "kept", "forgotten")
        put_alarm(late, late, EvaluationPeriods=3, DatapointsToAlarm=2)
        put_alarm(calm, calm)
        put_alarm(silent, silent)
        put_alarm(counted, counted, EvaluationPeriods=3, DatapointsToAlarm=3)
        put_alarm(kept, kept, TreatMissingData="ignore")
        CLOUDWATCH.set_alarm_state(AlarmName=kept, StateValue="ALARM", StateReason="set by hand")
        # Another job's lag must not count for the alarm of a calm one.
        put_lag(late, 70, 10, 80)
        put_lag(calm, 1)
        # Over three hours of data points of ten seconds, none is older than three hours.
        put_alarm(forgotten, forgotten, EvaluationPeriods=1_200, DatapointsToAlarm=1)
        put_lag(forgotten, 1)
        put_lag(forgotten, 70, ago=11_000)
        put_lag(counted, 70, 10, 80)
        self.assertEqual([state(name) for name in (late, calm, counted)], ["INSUFFICIENT_DATA"] * 3, "nothing is evaluated at once")
        s.wait_for(lambda: state(late) == "ALARM" and state(calm) == "OK" and state(counted) == "OK", "the first evaluation", 25)
        self.assertEqual((state(silent), state(kept), state(forgotten)), ("INSUFFICIENT_DATA", "ALARM", "OK"))

        # Two more evaluations of the same data: no further event.
        time.sleep(11)
        of = lambda name: [e for e in seen() if e["detail"]["alarmName"] == name]  # noqa: E731
        self.assertEqual([len(of(name)) for name in (late, calm, silent)], [1, 1, 0])
        event = of(late)[0]
        self.assertEqual((event["detail-type"], event["resources"]), ("CloudWatch Alarm State Change", [s_arn(late)]))
        detail = event["detail"]
        self.assertEqual(detail["previousState"]["value"], "INSUFFICIENT_DATA")
        self.assertEqual(detail["state"]["value"], "ALARM")
        self.assertRegex(detail["state"]["reason"], r"^Threshold Crossed: 2 out of the last 3 datapoints \[80\.0 \(.*\), 70\.0 \(.*\)\] were")
        self.assertRegex(detail["state"]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")
        self.assertEqual(json.loads(detail["state"]["reasonData"])["recentDatapoints"], [70.0, 10.0, 80.0])
        metric = detail["configuration"]["metrics"][0]["metricStat"]
        self.assertEqual(metric["metric"]["dimensions"], {"Stage": "test", "Job": late})
        self.assertEqual((metric["period"], metric["stat"], detail["configuration"]["description"]), (10, "Maximum", "Behind."))

        # A change of the settings keeps the state until the next evaluation.
        put_alarm(late, late, Threshold=1_000)
        self.assertEqual(state(late), "ALARM")
        put_lag(late, 5, 5, 5)
        s.wait_for(lambda: state(late) == "OK", "the way back", 25)
        back = s.wait_for(lambda: [e for e in of(late) if e["detail"]["state"]["value"] == "OK"], "its event")[0]["detail"]
        self.assertEqual((back["previousState"]["value"], back["previousState"]["timestamp"]), ("ALARM", detail["state"]["timestamp"]))

    def test_what_putmetricalarm_refuses_is_refused(self):
        for wrong in (
            {"Period": 15},
            {"Period": 90},
            {"Period": 60, "EvaluationPeriods": 1_441},
            {"EvaluationPeriods": 2, "DatapointsToAlarm": 3},
            {"TreatMissingData": "never"},
            {"Statistic": "Median"},
            {"AlarmDescription": "x" * 1_025},
        ):
            with self.assertRaises(ClientError, msg=str(wrong)) as refused:
                put_alarm(s.unique("wrong"), "any", **wrong)
            self.assertEqual(refused.exception.response["Error"]["Code"], "ValidationError")

    def test_a_policy_may_name_alarms_by_prefix(self):
        mine = {"Effect": "Allow", "Action": ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"], "Resource": [s_arn("mine-*")]}
        session = s.client("sts").assume_role(RoleArn=s.role("lambda.amazonaws.com", mine), RoleSessionName="test")["Credentials"]
        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url=s.endpoint(),
            region_name=s.REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        cloudwatch.delete_alarms(AlarmNames=["mine-1"])
        with self.assertRaises(ClientError) as refused:
            cloudwatch.delete_alarms(AlarmNames=["other-1"])
        self.assertIn("AccessDenied", refused.exception.response["Error"]["Code"])


def s_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{s.REGION}:{s.ACCOUNT}:alarm:{name}"


if __name__ == "__main__":
    unittest.main()
