import time
import unittest
import uuid
from datetime import datetime, timezone

from botocore.exceptions import ClientError
from emulator.metric_search import NotUnderstood, read

from . import support as s


class MetricSearch(unittest.TestCase):
    def test_an_expression_is_read_with_names_in_quotes_and_without(self):
        self.assertEqual(
            read("""SEARCH('{AWS/Kafka,"Broker ID","Cluster Name"} MetricName="CpuUser" "Cluster Name"="flights"', 'Average', 60)"""),
            ("AWS/Kafka", ["Broker ID", "Cluster Name"], [("MetricName", "CpuUser"), ("Cluster Name", "flights")], "Average", 60),
        )
        self.assertEqual(read("SEARCH('{AWS/EC2, InstanceId}', 'p99')"), ("AWS/EC2", ["InstanceId"], [], "p99", None))

    def test_what_is_not_known_here_is_refused(self):
        for expression in ("m1 + m2", "SEARCH('CPUUtilization', 'Average', 60)", "SEARCH('{AWS/EC2,InstanceId} CPU OR Disk', 'Average')"):
            with self.assertRaises(NotUnderstood):
                read(expression)

    def test_each_metric_with_exactly_the_dimensions_is_a_result_with_its_own_label(self):
        client, space = s.client("cloudwatch"), f"Test/{uuid.uuid4().hex[:8]}"
        at = time.time() // 60 * 60

        def put(name: str, value: float, **dimensions: str) -> None:
            pairs = [{"Name": key.replace("_", " "), "Value": text} for key, text in dimensions.items()]
            datum = {"MetricName": name, "Dimensions": pairs, "Timestamp": datetime.fromtimestamp(at, timezone.utc), "Value": value}
            client.put_metric_data(Namespace=space, MetricData=[datum])

        for broker in ("1", "2"):
            put("Cpu", 10.0 * int(broker), Broker_ID=broker, Cluster_Name="flights")
        put("Cpu", 99, Broker_ID="1", Cluster_Name="other")
        put("Cpu", 98, Cluster_Name="flights")
        put("Disk", 97, Broker_ID="1", Cluster_Name="flights")

        def ask(expression: str) -> list[dict]:
            query = {"Id": "cpu", "Expression": expression, "Label": "${PROP('Dim.Broker ID')}"}
            window = {"StartTime": datetime.fromtimestamp(at - 60, timezone.utc), "EndTime": datetime.fromtimestamp(at + 60, timezone.utc)}
            return client.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]

        results = ask(f"""SEARCH('{{{space},"Broker ID","Cluster Name"}} MetricName="Cpu" "Cluster Name"="flights"', 'Average', 60)""")
        self.assertEqual([(one["Id"], one["Label"], one["Values"]) for one in results], [("cpu", "1", [10.0]), ("cpu", "2", [20.0])])
        self.assertEqual(ask(f"""SEARCH('{{{space},"Broker ID","Cluster Name"}} MetricName="None"', 'Average', 60)"""), [])
        with self.assertRaises(ClientError) as refused:
            ask("m1 * 2")
        self.assertEqual(refused.exception.response["Error"]["Code"], "ValidationError")
