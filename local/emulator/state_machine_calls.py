"""What a state machine calls: with which right, and with which failures.

AWS («Invoke an AWS Lambda function with Step Functions», «Handling errors»): the machine's role must allow lambda:InvokeFunction, and the
service's own
failures are Lambda.ServiceException, Lambda.TooManyRequestsException and their kin. No HTTP request comes by here, so a test's faults are
applied here too. A function in a VPC that was idle for weeks is Inactive: its calls are Lambda.ResourceNotReadyException, then, while it is Pending,
Lambda.ResourceConflictException («Lambda function states»). Not as on AWS: none falls asleep by itself; a fault with such a code stands for it.
"""

from __future__ import annotations

import contextvars
import time

from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions as sfn

from . import faults, iam
from .patching import replace

role: contextvars.ContextVar[str | None] = contextvars.ContextVar("role", default=None)
#: Names of the machine and the state that call.
place: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("place", default={})


def _function_call(call):
    def call_lambda(func_ref, event):
        name = str(func_ref).split(":function:")[-1].split(":")[0]
        function = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        refusal = iam.refusal(role.get(), "lambda:InvokeFunction", "lambda", function)
        if refusal:
            raise sfn._ExecutionError(
                "Lambda.AWSLambdaException", f"{refusal} (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException)"
            )
        rule = faults.take("lambda", "Invoke", function=name, **place.get())
        if rule:
            time.sleep(rule.delayMs / 1000)
            if rule.status or rule.code:
                code = rule.code or "ServiceException"
                raise sfn._ExecutionError(code if "." in code else f"Lambda.{code}", faults.Fault(rule).message)
        return call(func_ref, event)

    return call_lambda


def _sdk_call(invoke):
    def invoke_aws_sdk_integration(resource, input_data):
        parts = resource.split(":")
        service, action = parts[6], parts[7].split(".")[0]
        rule = faults.take(service.lower(), action[0].upper() + action[1:])
        if rule and (rule.status or rule.code):
            fault = faults.Fault(rule)
            raise sfn._ExecutionError(sfn._prefix_sdk_error(service, fault.code), fault.message)
        return invoke(resource, input_data)

    return invoke_aws_sdk_integration


def install() -> None:
    replace(sfn, "_call_lambda", _function_call(sfn._call_lambda))
    replace(sfn, "_invoke_aws_sdk_integration", _sdk_call(sfn._invoke_aws_sdk_integration))
