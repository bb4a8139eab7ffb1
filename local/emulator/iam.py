"""IAM that is enforced: every call is checked against its signature and the caller's policies.

AWS («Policy evaluation logic», IAM User Guide). MiniStack's AUTH=true evaluates users, roles, boundaries and resource policies, and gives
each function the
session of its role. The root key test/test may do everything. Each denial is logged, so that a missing grant is found by reading the log.
"""

from __future__ import annotations

import hashlib
import logging
import secrets

from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import sts

from .patching import replace

log = logging.getLogger("emulator.iam")


def refusal(role_arn: str | None, action: str, service: str, resource: str) -> str | None:
    """The sentence with which AWS refuses a service that acts with this role, or None when it may (or nothing is enforced)."""
    if not (role_arn and ministack_app.AUTH):
        return None
    name = role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/service"
    key = "ASIA" + hashlib.sha256(role_arn.encode()).hexdigest()[:16].upper()
    sts.register_session(
        key,
        {"Arn": principal, "UserId": f"{name}:service", "SecretAccessKey": secrets.token_hex(20), "SessionToken": secrets.token_hex(20)},
    )
    if not iam_evaluator.enforce(key, action, service, get_region(), resource_arn=resource):
        return None
    why = f"because no identity-based policy allows the {action} action"
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource} {why}"


def install() -> None:
    def enforce_and_log(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn, service_context=service_context)
        if denied:
            who = getattr(denied, "principal_arn", "") or access_key_id or "anonymous"
            log.warning("denied: %s %s on %s (%s)", who, iam_action, resource_arn, getattr(denied, "code", None) or denied.decision)
        return denied

    # The twin speaks plain HTTP on a loopback address: aws:SecureTransport is true, or every bucket that enforces TLS would refuse all.
    replace(ministack_app, "pin_request_origin", lambda source_ip, _secure: pin_origin(source_ip, True))
    pin_origin = iam_evaluator.pin_request_origin
    enforce = replace(iam_evaluator, "enforce", enforce_and_log)
