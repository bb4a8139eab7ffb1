"""One emulator for all tests of a run: SLUICE_TEST_EMULATOR (its URL), or one on a free port that ends with the run."""

from __future__ import annotations

import atexit
import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from functools import cache
from pathlib import Path

import boto3
from botocore.config import Config

REGION, ACCOUNT = "us-east-1", "000000000000"


@cache
def endpoint() -> str:
    if os.environ.get("SLUICE_TEST_EMULATOR"):
        return os.environ["SLUICE_TEST_EMULATOR"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-m", "emulator", "--port", str(port)], env=environment, stdout=subprocess.PIPE, text=True)
    atexit.register(lambda: (process.terminate(), process.wait(10), process.stdout.close()))
    if "ready" not in process.stdout.readline():
        raise RuntimeError("the emulator did not start")
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: _open("GET", address + "/_twin/health") == {"ok": True}, "health")
    return address


@cache
def client(service: str, key: str = "test", secret: str = "test"):
    return boto3.client(
        service,
        endpoint_url=endpoint(),
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


def twin(method: str, path: str, body=None):
    return _open(method, f"{endpoint()}/_twin/{path}", body)


def _open(method: str, url: str, body=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())
    except (urllib.error.URLError, ConnectionError):
        return None


def wait_for(condition, what: str, seconds: float = 15):
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for: {what}")


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@cache
def vpc() -> dict:
    """{vpc, subnets: {zone: id}} of three zones."""
    ec2 = client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="127.64.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        f"us-east-1{letter}": ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"127.64.{n * 16}.0/20", AvailabilityZone=f"us-east-1{letter}")[
            "Subnet"
        ]["SubnetId"]
        for n, letter in enumerate("abc")
    }
    return {"vpc": vpc_id, "subnets": subnets}


def security_group() -> str:
    return client("ec2").create_security_group(GroupName=unique("group"), Description="test", VpcId=vpc()["vpc"])["GroupId"]


def launch_template(**data) -> str:
    """A template's id; its instances have the AMI and type of the tests unless `data` says otherwise."""
    made = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "c5.large", "UserData": base64.b64encode(b"#!/bin/sh\n").decode(), **data}
    return client("ec2").create_launch_template(LaunchTemplateName=unique("template"), LaunchTemplateData=made)["LaunchTemplate"][
        "LaunchTemplateId"
    ]


def group(template: str, size: int, zones: str = "abc", version: str = "$Latest", **parameters) -> str:
    name = unique("workers")
    where = {} if "AvailabilityZones" in parameters else {"VPCZoneIdentifier": ",".join(vpc()["subnets"][f"us-east-1{z}"] for z in zones)}
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=size,
        **({} if "MixedInstancesPolicy" in parameters else {"LaunchTemplate": {"LaunchTemplateId": template, "Version": version}}),
        **where,
        **parameters,
    )
    return name


def members(name: str, state: str | None = "InService") -> list[dict]:
    found = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return [m for m in (found[0]["Instances"] if found else []) if state is None or m["LifecycleState"] == state]


def in_service(name: str, count: int) -> list[dict]:
    return wait_for(
        lambda: (lambda m: len(m) == count and len(members(name, None)) == count and (m or [None]))(members(name)),
        f"{count} instances in {name}",
    )


def activities(name: str) -> list[dict]:
    return client("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"]


def instance(instance_id: str) -> dict:
    return client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def remove(name: str) -> None:
    client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    wait_for(
        lambda: not client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"], f"end of {name}"
    )


def role(service: str = "lambda.amazonaws.com", *statements: dict) -> str:
    """The ARN of a role with an inline policy of these statements."""
    name = unique("role")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        client("iam").put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy)
    return arn


def function(code: str, role_arn: str | None = None, **parameters) -> str:
    """The name of a function whose index.js is `code`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js", code)
    name = unique("function")
    client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs22.x",
        Role=role_arn or role(),
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=parameters.pop("Timeout", 5),
        **parameters,
    )
    return name


def invoke(name: str, event=None) -> tuple[str | None, object]:
    """(FunctionError, payload)."""
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def listen(pattern: dict):
    """A function that returns the events seen so far that match `pattern` on the default bus."""
    name = unique("seen")
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[dict] = []

    def events() -> list[dict]:
        for message in client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            seen.append(json.loads(message["Body"]))
        return seen

    return events
