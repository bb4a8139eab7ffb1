"""HTTP APIs: who may call, and how much may be sent.

AWS («Control access to HTTP APIs with IAM authorization», «Quotas for configuring and running an HTTP API»): an unsigned, wrongly signed
or unauthorised
call of an AWS_IAM route is 403 {"message":"Forbidden"}, whatever the reason; execute-api:Invoke is evaluated on
arn:aws:execute-api:<region>:<account>:<api>/<stage>/<METHOD>/<path>; a body over 10 MB is 413. MiniStack does not check the root key's
signature,
and answers in the words of REST APIs.
"""

from __future__ import annotations

import json

from ministack import app as ministack_app
from ministack.core import iam_evaluator, sigv4
from ministack.core.router import extract_access_key_id

from .patching import replace

MAX_BODY_BYTES = 10 * 1024 * 1024
_HEADERS = {"Content-Type": "application/json"}


def forbidden() -> tuple[int, dict, bytes]:
    return 403, dict(_HEADERS), b'{"message":"Forbidden"}'


def root_signature_is_wrong(method: str, raw_path: str, query: dict, headers: dict, body: bytes) -> bool:
    """Whether a call in the root key's name was signed with another secret, or changed on the way."""
    if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
        return True
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple) or sigv4.request_time_failure(signature):
        return True
    credential = iam_evaluator.resolve_credential(extract_access_key_id(headers, query))
    return bool(sigv4.header_signature_failure(signature, credential.secret_access_key, method, raw_path, query, headers, body))


def install() -> None:
    async def handle(host, path, method, headers, body, query_params, raw_path=None, raw_query_string=None):
        parsed = ministack_app._parse_execute_api_url(host, path)
        http_api = parsed and ministack_app._get_module("apigateway").find_api_scope(parsed[0]) is not None
        if http_api and len(body) > MAX_BODY_BYTES:
            return 413, dict(_HEADERS), b'{"message":"Request Entity Too Large"}'
        if http_api and method != "OPTIONS" and ministack_app.AUTH:
            stage, rest = ministack_app._resolve_stage_and_path(parsed[0], parsed[1], parsed[2])
            key = extract_access_key_id(headers, query_params)
            if (
                ministack_app._execute_api_authorization_type(parsed[0], stage, method, rest) == "AWS_IAM"
                and iam_evaluator.is_root_access_key(key)
                and root_signature_is_wrong(method, raw_path or path, query_params, headers, body)
            ):
                return forbidden()
        answer = await answer_api(host, path, method, headers, body, query_params, raw_path=raw_path, raw_query_string=raw_query_string)
        return forbidden() if http_api and answer and _is_refusal(answer) else answer

    answer_api = replace(ministack_app, "_handle_execute_api_request", handle)


def _is_refusal(answer) -> bool:
    """MiniStack's own refusal, not a 403 that the function answered."""
    status, headers, body = answer
    if status != 403 or "apigw-requestid" in headers:
        return False
    try:
        return "__type" in json.loads(body)
    except ValueError:
        return False
