import json
import time
import unittest
from datetime import datetime, timedelta, timezone

from emulator.embedded_metrics import metrics_of

from . import support as s

NOW = 1_800_000_000.0


def event(**changes) -> dict:
    return {
        "_aws": {
            "Timestamp": int(NOW * 1000),
            "CloudWatchMetrics": [{"Namespace": "Sluice", "Dimensions": [["Stage", "Job"]], "Metrics": [{"Name": "Busy", "Unit": "None"}]}],
        },
        "Stage": "local",
        "Job": "delays",
        "Busy": 0.5,
        **changes,
    }


def read(given) -> list:
    return metrics_of(given if isinstance(given, str) else json.dumps(given), NOW)


class EmbeddedMetrics(unittest.TestCase):
    def test_an_event_becomes_a_metric_with_its_dimensions_time_and_unit(self):
        self.assertEqual(read(event()), [("Sluice", "Busy", {"Stage": "local", "Job": "delays"}, NOW, "None", [0.5])])

    def test_a_line_with_anything_in_front_of_the_json_is_no_metric(self):
        self.assertEqual(read("2026-01-01T00:00:00Z\tid\tINFO\t" + json.dumps(event())), [])
        self.assertEqual(read("{not json"), [])
        self.assertEqual(read({"Busy": 0.5}), [])

    def test_a_definition_without_a_number_is_left_out(self):
        for value in (None, "0.5", True, [0.5, "x"], [1] * 101):
            self.assertEqual(read(event(Busy=value)), [])
        self.assertEqual(read(event(Busy=[1, 2]))[0][-1], [1.0, 2.0])

    def test_a_dimension_set_without_its_values_is_left_out(self):
        self.assertEqual(read(event(Job=7)), [])
        given = event()
        given["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = [["Stage"], ["Stage", "Zone"]]
        self.assertEqual([dimensions for _, _, dimensions, *_ in read(given)], [{"Stage": "local"}])

    def test_only_a_metric_of_high_resolution_keeps_its_second(self):
        given = event()
        given["_aws"]["Timestamp"] += 37_000
        self.assertEqual(read(given)[0][3], NOW)
        given["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["StorageResolution"] = 1
        self.assertEqual(read(given)[0][3], NOW + 37)

    def test_over_a_hundred_metrics_or_too_old_a_time_is_refused(self):
        given = event()
        given["_aws"]["CloudWatchMetrics"][0]["Metrics"] = [{"Name": "Busy"}] * 101
        self.assertEqual(read(given), [])
        given = event()
        given["_aws"]["Timestamp"] -= 15 * 86_400_000
        self.assertEqual(read(given), [])

    def test_what_a_function_writes_can_be_read_from_cloudwatch(self):
        namespace = s.unique("Space")
        name = s.function(
            "exports.handler = async (event) => { process.stdout.write(JSON.stringify(event.emf) + '\\n'); console.log('beside it'); };"
        )
        emf = event(Busy=0.75)
        emf["_aws"]["Timestamp"] = int(time.time() * 1000)
        emf["_aws"]["CloudWatchMetrics"][0]["Namespace"] = namespace
        s.invoke(name, {"emf": emf})
        now = datetime.now(timezone.utc)
        dimensions = [{"Name": "Stage", "Value": "local"}, {"Name": "Job", "Value": "delays"}]
        points = s.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName="Busy",
            Dimensions=dimensions,
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum", "SampleCount"],
        )["Datapoints"]
        self.assertEqual([(point["Maximum"], point["SampleCount"]) for point in points], [(0.75, 1.0)])
        messages = [e["message"] for e in s.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        self.assertIn("beside it", messages)


if __name__ == "__main__":
    unittest.main()
