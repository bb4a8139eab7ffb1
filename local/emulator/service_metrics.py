"""CloudWatch metrics that services write of themselves, as far as the control plane's own alarms watch them.

AWS («Types of metrics for Lambda functions», «Monitoring Step Functions metrics using Amazon CloudWatch», «Working with metrics for
HTTP APIs», «Available CloudWatch metrics for Amazon SQS»): Lambda counts invocations and their errors by function, whoever invoked it,
and throttled requests, which are no invocations; Step Functions counts executions by machine, Express ones too; API Gateway counts
requests of an HTTP API, those answered 4xx and those answered 5xx; SQS says every minute how many messages can be received from a
queue, as long as it was used or held some in the last six hours, up to a quarter of an hour late after a longer rest. Points come a
minute or so late. MiniStack writes Lambda's only, and only of synchronous calls of its API, throttled ones among the invocations.

Not as on AWS: all come at once, and of each queue every ten seconds.
"""

from __future__ import annotations

import logging
import threading
import time

from ministack import app as ministack_app
from ministack.core.responses import set_request_region
from ministack.services import cloudwatch, lambda_svc, sqs
from ministack.services import stepfunctions as sfn

from .patching import replace

log = logging.getLogger("emulator.service_metrics")

QUEUE_SECONDS = 10

_EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install() -> None:
    replace(lambda_svc, "_execute_function_dispatch", _counting_invocations(lambda_svc._execute_function_dispatch))
    replace(lambda_svc, "_emit_lambda_metrics", _count_throttle)
    replace(sfn, "_emit_execution_status_event", _counting_executions(sfn._emit_execution_status_event))
    replace(ministack_app, "_handle_execute_api_request", _counting_requests(ministack_app._handle_execute_api_request))
    threading.Thread(target=_count_messages_for_ever, name="queue-metrics", daemon=True).start()


def _counting_invocations(execute):
    def execute_and_count(func, config, *rest):
        started, result = time.monotonic(), {}
        try:
            result = execute(func, config, *rest)
            return result
        finally:
            of = {"FunctionName": config.get("FunctionName", "unknown")}
            failed = not isinstance(result, dict) or not result or bool(result.get("error"))
            cloudwatch.record_metric("AWS/Lambda", "Invocations", 1, "Count", of)
            cloudwatch.record_metric("AWS/Lambda", "Errors", int(failed), "Count", of)
            cloudwatch.record_metric("AWS/Lambda", "Duration", (time.monotonic() - started) * 1000, "Milliseconds", of)

    return execute_and_count


def _count_throttle(function_name, duration_ms, error, throttle) -> None:
    # A synchronous call tells of it a second time, with how long it took.
    if throttle and not duration_ms:
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})


def _counting_executions(emit):
    def emit_and_count(execution):
        metric = _EXECUTIONS.get(execution["status"])
        if metric:
            cloudwatch.record_metric("AWS/States", metric, 1, "Count", {"StateMachineArn": execution["stateMachineArn"]})
        emit(execution)

    return emit_and_count


def _counting_requests(answer_api):
    async def answer_and_count(host, path, *rest, **options):
        answer = await answer_api(host, path, *rest, **options)
        parsed = ministack_app._parse_execute_api_url(host, path)
        if parsed and answer and ministack_app._get_module("apigateway").find_api_scope(parsed[0]) is not None:
            for metric, value in (("Count", 1), ("4xx", answer[0] // 100 == 4), ("5xx", answer[0] // 100 == 5)):
                cloudwatch.record_metric("AWS/ApiGateway", metric, int(value), "Count", {"ApiId": parsed[0]})
        return answer

    return answer_and_count


def _count_messages_for_ever() -> None:
    while True:
        time.sleep(QUEUE_SECONDS)
        try:
            _count_messages()
        except Exception:
            log.exception("could not count the messages of queues")


def _count_messages() -> None:
    now = time.time()
    for (_, region, _), queue in list(sqs._queues._data.items()):
        set_request_region(region)
        visible = sum(message["visible_at"] <= now for message in list(queue["messages"]))
        cloudwatch.record_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, "Count", {"QueueName": queue["name"]})
