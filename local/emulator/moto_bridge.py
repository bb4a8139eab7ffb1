"""moto answers EC2 and Auto Scaling inside MiniStack's process.

Every access to moto's state happens under LOCK: requests run on worker threads, and the reconciler (autoscaling.py) changes the same
objects.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import threading
from functools import cache
from typing import Any

ACCOUNT = "000000000000"  # MiniStack's account for any access key that is not a number of twelve digits
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "true"
# The client below never leaves the process.
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

import boto3  # noqa: E402
import moto.autoscaling.models  # noqa: E402
import moto.ec2.models  # noqa: E402
from botocore.awsrequest import AWSResponse  # noqa: E402
from botocore.config import Config  # noqa: E402
from ministack import app as ministack_app  # noqa: E402
from ministack.core.responses import get_region  # noqa: E402
from moto.core import responses as moto_responses  # noqa: E402
from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402
from werkzeug.test import Client  # noqa: E402

from .patching import replace  # noqa: E402

for _module in pkgutil.iter_modules(moto.ec2.models.__path__):
    importlib.import_module(f"moto.ec2.models.{_module.name}")

LOCK = threading.RLock()
FORWARDED = ("ec2", "autoscaling")
# One application a service: moto's dispatcher would look for the service among hundreds at every call.
_wsgi = {service: Client(create_backend_app(service)) for service in FORWARDED}


def call_moto(service: str, region: str, method: str, path: str, headers: dict, body: bytes, query: Any = None) -> tuple[int, dict, bytes]:
    """One HTTP request to moto."""
    with LOCK:
        answer = _wsgi[service].open(
            path,
            method=method,
            data=body,
            query_string=query,
            base_url=f"http://{service}.{region}.amazonaws.com",
            headers=[(k, v) for k, v in headers.items() if k.lower() not in ("content-length", "host")],
        )
        return answer.status_code, dict(answer.headers), answer.data


def _forward(service: str):
    async def handle(method, path, headers, body, query):
        flat = {k: (v[0] if isinstance(v, list) else v) for k, v in dict(query).items()}
        return await asyncio.to_thread(call_moto, service, get_region(), method, path, headers, body, flat)

    return handle


@cache
def client(service: str, region: str = "us-east-1"):
    """A boto3 client whose requests moto answers in this process: how CloudFormation's handlers call EC2."""
    made = boto3.client(
        service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test", config=Config(retries={"max_attempts": 0})
    )

    def answer(request, **_):
        sent = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()}
        status, headers, body = call_moto(service, region, request.method, "/", sent, request.body or b"")
        return AWSResponse(request.url, status, headers, _Raw(body))

    made.meta.events.register(f"before-send.{service}", answer)
    return made


class _Raw:
    def __init__(self, body: bytes):
        self._body = body

    def stream(self, **_):
        yield self._body


def ec2(region: str = "us-east-1"):
    return moto.ec2.models.ec2_backends[ACCOUNT][region]


def autoscaling(region: str = "us-east-1"):
    return moto.autoscaling.models.autoscaling_backends[ACCOUNT][region]


def install() -> None:
    # moto lists the methods of a class at every call.
    replace(moto_responses, "method_names_from_class", cache(moto_responses.method_names_from_class))
    for service in FORWARDED:
        if service not in ministack_app.SERVICE_HANDLERS:
            raise RuntimeError(f"MiniStack has no service named {service} any more")
        ministack_app.SERVICE_HANDLERS[service] = _forward(service)
