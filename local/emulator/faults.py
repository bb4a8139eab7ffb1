"""Failures on demand (POST /_twin/faults): any AWS call can be made to fail or to take long, some number of times.

A rule is {service, action, zone?, instanceType?, function?, machine?, state?, path?, status?, code?, message?, delayMs?, count?, deliveries?, kill?,
stop?, unseen?, perSecond?, name?}; `*` matches any service or action; rules are taken away all together or by name. Without status and code a rule only delays. A rule with a function
matches what a state machine invokes (lambda, Invoke). A rule with a path matches HTTP requests to it: {"service": "s3", "action": "GetObject", "path":
"/state/*/_metadata", "status": 503, "code": "SlowDown"}. A rule with a zone matches launches into it: {"service": "ec2", "action": "RunInstances",
"zone": "us-east-1a", "code": "InsufficientInstanceCapacity"}, and calls of DescribeInstances that name an instance in it, or none at all.
{"service": "monitoring", "action": "PutMetricAlarm", "perSecond": 3, "status": 400, "code": "Throttling"} fails the calls beyond so many a second, with
"perSecond": 0.2 those beyond one every five seconds.
{"service": "ec2", "action": "DescribeSecurityGroups", "unseen": true} answers a Describe call of EC2 or Auto Scaling as if nothing was there.
{"service": "events", "action": "<detail type>", "deliveries": 0} loses events, 2 repeats them. {"service": "lambda", "action": "Invoke", "function": "*", "kill": true, "delayMs": 50} ends a function's environment so long after
an invocation has begun. With a state (and a machine) a rule for lambda matches what that state invokes; {"service": "states", "action":
"EnterState", "machine": "*-stop-job", "state": "Cancel job", "stop": true, "delayMs": 50} stops an execution so long after it has entered the state,
and at the latest before it leaves it; without "stop" the state takes so much longer to begin.

AWS: S3 slows down by prefix («Best practices design patterns: optimizing Amazon S3 performance»): some keys are answered 503 while others are read and
written as ever. «If you describe instances in the rare case where an Availability Zone is experiencing a service disruption and you specify instance IDs
that are in the affected zone, or do not specify any instance IDs at all, the call fails» (DescribeInstances, Amazon EC2 API Reference). StopExecution ends a running
execution wherever it is, as does the deletion of its machine; a function that it has invoked works on. What was made a moment ago may not be visible yet to all
calls that follow («Eventual consistency in the Amazon EC2 API», Amazon EC2 Developer Guide).
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html import escape

_QUERY_PROTOCOL = {"autoscaling", "iam", "sts", "cloudformation", "cloudwatch", "monitoring", "elasticloadbalancing", "sns"}

_lock = threading.Lock()
_rules: list[Rule] = []


class Fault(Exception):
    def __init__(self, rule: Rule):
        self.status, self.code = rule.status or (400 if rule.code else 500), rule.code or "InternalError"
        self.message = rule.message or f"{self.code} (asked for by a test)"
        super().__init__(self.message)


@dataclass
class Rule:
    service: str = "*"
    action: str = "*"
    zone: str | None = None
    instanceType: str | None = None
    function: str | None = None
    machine: str | None = None
    state: str | None = None
    path: str | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None
    delayMs: int = 0
    count: int | None = None
    deliveries: int | None = None
    kill: bool = False
    stop: bool = False
    unseen: bool = False
    perSecond: float | None = None
    name: str | None = None
    hits: int = 0
    tokens: float | None = None
    refilled: float = 0.0

    def matches(self, service: str, action: str, zone: str | frozenset | None, instance_type: str | None, **names: str | None) -> bool:
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(action, self.action)
            and (self.zone is None or self.zone == zone or (isinstance(zone, frozenset) and self.zone in zone))
            and self.instanceType in (None, instance_type)
            and all(
                wanted is None or fnmatchcase(names.get(name) or "", wanted)
                for name, wanted in (("function", self.function), ("machine", self.machine), ("state", self.state), ("path", self.path))
            )
            and (self.count is None or self.hits < self.count)
        )


    def lets_pass(self) -> bool:
        """A bucket of one second's calls, as AWS's own; of one call where a call takes longer than that to come."""
        if not self.perSecond:
            return False
        now, most = time.monotonic(), max(1.0, self.perSecond)
        filled = most if self.tokens is None else self.tokens + (now - self.refilled) * self.perSecond
        self.tokens, self.refilled = min(filled, most), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def add(rules: list[dict]) -> None:
    made = [Rule(**{k: v for k, v in rule.items() if k not in ("hits", "tokens", "refilled")}) for rule in rules]
    with _lock:
        _rules.extend(made)


def clear(name: str | None = None) -> None:
    with _lock:
        _rules[:] = [rule for rule in _rules if name is not None and rule.name != name]


def active() -> list[dict]:
    with _lock:
        return [dict(vars(rule)) for rule in _rules]


def any_rules() -> bool:
    return bool(_rules)


def take(service: str, action: str, zone: str | frozenset | None = None, instance_type: str | None = None, **names: str | None) -> Rule | None:
    """The first rule that delays or fails this call, counted as used. @param names function, machine, state, path"""
    return _first(lambda rule: rule.deliveries is None and not rule.kill and not rule.stop, service, action, zone, instance_type, **names)


def deliveries(detail_type: str) -> int:
    """How often an event reaches the rules of its bus."""
    rule = _first(lambda one: one.deliveries is not None, "events", detail_type)
    return 1 if rule is None else rule.deliveries


def kill_after(function: str) -> float | None:
    """Seconds after which the environment of the invocation that begins now is killed, or None."""
    rule = _first(lambda one: one.kill, "lambda", "Invoke", function=function)
    return None if rule is None else rule.delayMs / 1000


def stop_after(machine: str, state: str) -> float | None:
    """Seconds after which the execution that enters this state now is stopped, or None."""
    rule = _first(lambda one: one.stop, "states", "EnterState", machine=machine, state=state)
    return None if rule is None else rule.delayMs / 1000


def late_entry(machine: str, state: str) -> float:
    """So many seconds a state takes longer to begin."""
    rule = _first(lambda one: one.state is not None and not one.stop, "states", "EnterState", machine=machine, state=state)
    return 0 if rule is None else rule.delayMs / 1000


def _first(
    kind, service: str, action: str, zone: str | frozenset | None = None, instance_type: str | None = None, **names: str | None
) -> Rule | None:
    with _lock:
        for rule in _rules:
            if kind(rule) and rule.matches(service, action, zone, instance_type, **names) and not rule.lets_pass():
                rule.hits += 1
                return rule
    return None


def check(service: str, action: str, zone: str | None = None, instance_type: str | None = None) -> None:
    """For launches that no HTTP request makes: raises as the rule says. It never waits, because moto's lock is held."""
    rule = take(service, action, zone, instance_type)
    if rule and (rule.status or rule.code):
        raise Fault(rule)


async def answer(
    service: str, action: str, path: str, zones: frozenset = frozenset(), is_json: bool = False
) -> tuple[int, dict, bytes] | None:
    """For a call that came by HTTP: waits, and the error in the service's protocol, or None to go on. @param zones that it is about
    @param is_json the call is JSON, where its service knows several protocols"""
    rule = take(service, action, zones, path=path)
    if rule is None:
        return None
    await asyncio.sleep(rule.delayMs / 1000)
    if rule.unseen:
        return 200, {"Content-Type": "text/xml"}, f"<{action}Response><{action}Result/></{action}Response>".encode()
    return _response(service, Fault(rule), is_json) if rule.status or rule.code else None


def _response(service: str, fault: Fault, is_json: bool) -> tuple[int, dict, bytes]:
    code, message = escape(fault.code), escape(fault.message)
    if service == "s3":
        return fault.status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    if service == "ec2":
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<Response><Errors>{error}</Errors><RequestID>fault</RequestID></Response>"
        return fault.status, {"Content-Type": "text/xml"}, text.encode()
    if service in _QUERY_PROTOCOL and not is_json:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>"
        return fault.status, {"Content-Type": "text/xml"}, text.encode()
    body = json.dumps({"__type": fault.code, "message": fault.message}).encode()
    return fault.status, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": fault.code}, body
