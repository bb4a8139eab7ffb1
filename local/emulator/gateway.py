"""The ASGI application: the control endpoints first, then MiniStack, with the faults in front of every service."""

from __future__ import annotations

import json

from ministack import app as ministack_app
from ministack.core.iam_actions import extract_iam_action
from ministack.core.router import detect_service

from . import control, faults, hardware
from .patching import replace


async def application(scope, receive, send):
    if scope["type"] == "http" and scope["path"].startswith(control.PREFIX):
        status, answer = await control.handle(scope["method"], scope["path"], await _body(receive))
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
        return
    await ministack_app.app(scope, receive, send)


async def _body(receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def operation(service: str, action: str, method: str, path: str, headers: dict, query: dict) -> str:
    """The API operation of a call; MiniStack knows the IAM action, which has another name in S3 and Lambda."""
    if service == "lambda":
        return {"InvokeFunction": "Invoke"}.get(action, action)
    if service != "s3":
        return action
    parts = [part for part in path.split("/") if part]
    if len(parts) > 1:
        if method == "PUT":
            return "UploadPart" if "partNumber" in query else "CopyObject" if "x-amz-copy-source" in headers else action
        if method == "POST":
            return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload" if "uploadId" in query else action
        return {"HEAD": "HeadObject"}.get(method, action)
    if not parts:
        return "ListBuckets"
    if method == "GET" and action == "ListBucket":
        return "ListObjectsV2" if "list-type" in query else "ListObjects"
    return "HeadBucket" if method == "HEAD" else "DeleteObjects" if method == "POST" and "delete" in query else action


def install() -> None:
    async def dispatch_with_faults(method, path, headers, body, query_params, request_id):
        if faults.any_rules():
            params = ministack_app._routing_params(method, path, headers, body, query_params)
            service = detect_service(method, path, headers, params)
            action = (extract_iam_action(service, method, path, headers, body, params) or ":").split(":", 1)[1]
            called = operation(service, action, method, path, headers, params)
            zones = hardware.zones_of(params) if (service, called) == ("ec2", "DescribeInstances") else frozenset()
            failed = await faults.answer(service, called, path, zones, "json" in headers.get("content-type", ""))
            if failed:
                return failed
        return await dispatch(method, path, headers, body, query_params, request_id)

    dispatch = replace(ministack_app, "_dispatch_service_request", dispatch_with_faults)
