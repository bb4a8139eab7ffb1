import datetime
import json
import time
import unittest
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from . import support as s

CLOUDWATCH = s.client("cloudwatch")


def total(namespace: str, metric: str, statistic: str = "Sum", **dimensions: str) -> float | None:
    """Over the last minutes; None without data."""
    now = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc)
    points = CLOUDWATCH.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=1),
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    return sum(point[statistic] for point in points) if points else None


def machine(state: dict, type: str) -> str:
    definition = {"StartAt": "Only", "States": {"Only": state}}
    return s.client("stepfunctions").create_state_machine(
        name=s.unique("machine"), type=type, definition=json.dumps(definition), roleArn=s.role("states.amazonaws.com")
    )["stateMachineArn"]


class ServiceMetrics(unittest.TestCase):
    def test_invocations_are_counted_whoever_invokes_and_throttled_requests_apart_from_them(self):
        dead = s.client("sqs").create_queue(QueueName=s.unique("dead"))["QueueUrl"]
        s.twin("PUT", "settings", {"asyncRetrySeconds": 0.2})
        self.addCleanup(s.twin, "PUT", "settings", {"asyncRetrySeconds": 60})
        name = s.function(
            "exports.handler = async ({ fail }) => { if (fail) throw new Error('no'); };",
            DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{s.REGION}:{s.ACCOUNT}:{dead.rsplit('/', 1)[1]}"},
        )
        count = lambda metric: total("AWS/Lambda", metric, FunctionName=name)  # noqa: E731
        s.invoke(name)
        s.invoke(name, {"fail": True})
        arn = f"arn:aws:lambda:{s.REGION}:{s.ACCOUNT}:function:{name}"
        s.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
        s.client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
        s.client("events").put_targets(Rule=name, Targets=[{"Id": "f", "Arn": arn, "Input": '{"fail": true}'}])
        s.client("events").put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": "{}"}])
        s.wait_for(lambda: count("Invocations") == 4, "an event that was tried again")
        self.assertEqual((count("Errors"), count("Throttles")), (3, None))
        letters = s.wait_for(lambda: s.client("sqs").receive_message(QueueUrl=dead).get("Messages"), "the dead letter")
        self.assertIn('"fail": true', letters[0]["Body"])
        s.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        with self.assertRaises(ClientError):
            s.invoke(name)
        self.assertEqual((count("Invocations"), count("Errors"), count("Throttles")), (4, 3, 1))

    def test_executions_are_counted_by_machine_and_end_express_ones_too(self):
        start = s.client("stepfunctions").start_execution
        for type in ("STANDARD", "EXPRESS"):
            well, badly = machine({"Type": "Succeed"}, type), machine({"Type": "Fail", "Error": "Broken"}, type)
            for arn in (well, well, badly):
                start(stateMachineArn=arn)
            count = lambda metric, arn: total("AWS/States", metric, StateMachineArn=arn)  # noqa: E731
            s.wait_for(lambda: count("ExecutionsSucceeded", well) == 2, f"two {type} executions that succeeded")  # noqa: B023
            s.wait_for(lambda: count("ExecutionsFailed", badly) == 1, f"a {type} execution that failed")  # noqa: B023
            self.assertEqual(
                (count("ExecutionsStarted", well), count("ExecutionsFailed", well), count("ExecutionsSucceeded", badly)), (2, None, None)
            )

    def test_requests_of_an_http_api_are_counted_by_their_answer(self):
        gateway = s.client("apigatewayv2")
        name = s.function("exports.handler = async ({ rawPath }) => ({ statusCode: Number(rawPath.slice(1)), body: '{}' });")
        api = gateway.create_api(Name="test", ProtocolType="HTTP")["ApiId"]
        integration = gateway.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            PayloadFormatVersion="2.0",
            IntegrationUri=f"arn:aws:lambda:{s.REGION}:{s.ACCOUNT}:function:{name}",
        )["IntegrationId"]
        gateway.create_route(ApiId=api, RouteKey="GET /{status}", Target=f"integrations/{integration}", AuthorizationType="AWS_IAM")
        gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        for status in (200, 200, 404, 503):
            request = AWSRequest("GET", f"{s.endpoint()}/_aws/execute-api/{api}/{status}")
            SigV4Auth(Credentials("test", "test"), "execute-api", s.REGION).add_auth(request)
            try:
                urllib.request.urlopen(urllib.request.Request(request.prepare().url, headers=dict(request.headers)), timeout=10).close()
            except urllib.error.HTTPError as error:
                self.assertEqual(error.code, status)
                error.close()
        self.assertEqual([total("AWS/ApiGateway", metric, ApiId=api) for metric in ("Count", "4xx", "5xx")], [4, 1, 1])

    def test_a_queue_says_how_many_messages_can_be_received(self):
        name = s.unique("queue")
        url = s.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        for body in "ab":
            s.client("sqs").send_message(QueueUrl=url, MessageBody=body)
        s.client("sqs").send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
        most = lambda: total("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName=name)  # noqa: E731
        s.wait_for(lambda: most() == 2, "the queue's depth", 20)

    def test_an_alarm_of_a_stack_rings_at_the_stacks_topic(self):
        cloudformation, stack, alarm = s.client("cloudformation"), s.unique("stack"), s.unique("stack-alarm")
        take = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
        policy_of_inbox = json.dumps({"Version": "2012-10-17", "Statement": [take]})
        inbox = s.client("sqs").create_queue(QueueName=stack, Attributes={"Policy": policy_of_inbox})["QueueUrl"]

        def template(period: int) -> str:
            topic = {"Ref": "Topic"}
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{s.REGION}:{s.ACCOUNT}:alarm:{alarm}"}},
            }
            subscribed = {"Protocol": "sqs", "TopicArn": topic, "Endpoint": f"arn:aws:sqs:{s.REGION}:{s.ACCOUNT}:{stack}"}
            watched = {
                "AlarmName": alarm,
                "Namespace": "AWS/Lambda",
                "MetricName": "Invocations",
                "Dimensions": [{"Name": "FunctionName", "Value": stack}],
                "Statistic": "Sum",
                "Period": period,
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
                "Threshold": 1,
                "ComparisonOperator": "LessThanThreshold",
                "TreatMissingData": "breaching",
                "AlarmActions": [topic],
            }
            policy = {"Topics": [topic], "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
            resources = {
                "Topic": ("AWS::SNS::Topic", {"TopicName": stack, "KmsMasterKeyId": "alias/any"}),
                "Policy": ("AWS::SNS::TopicPolicy", policy),
                "Subscription": ("AWS::SNS::Subscription", subscribed),
                "Alarm": ("AWS::CloudWatch::Alarm", watched),
            }
            return json.dumps({"Resources": {name: {"Type": type, "Properties": made} for name, (type, made) in resources.items()}})

        cloudformation.create_stack(StackName=stack, TemplateBody=template(10))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

        def rung() -> dict | None:
            messages = s.client("sqs").receive_message(QueueUrl=inbox).get("Messages")
            return json.loads(json.loads(messages[0]["Body"])["Message"]) if messages else None

        told = s.wait_for(rung, "the message", 30)
        self.assertEqual((told["AlarmName"], told["NewStateValue"]), (alarm, "ALARM"))
        # What PutMetricAlarm refuses, it refuses a stack too.
        cloudformation.update_stack(StackName=stack, TemplateBody=template(15))
        status = lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]  # noqa: E731
        s.wait_for(lambda: status() == "UPDATE_ROLLBACK_COMPLETE", "the refused update")
