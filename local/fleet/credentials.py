"""Credentials of an instance profile's role, as the instance metadata service hands them out."""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime, timezone

import boto3
from botocore.config import Config

RENEW_BEFORE_SECONDS = 600
"""AWS makes new credentials available at least five minutes before the old ones expire."""


class Accounts:
    """IAM and STS of the emulator. A client costs a quarter of a second to make, so all instances share one of each."""

    def __init__(self, endpoint: str, region: str):
        self._settings = {"endpoint_url": endpoint, "region_name": region, "aws_access_key_id": "test", "aws_secret_access_key": "test",
                          "config": Config(retries={"max_attempts": 3}, max_pool_connections=50)}
        self._lock = threading.Lock()
        self._clients: dict[str, object] = {}

    def client(self, service: str):
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.Session().client(service, **self._settings)
            return self._clients[service]

    def warm_up(self) -> None:
        """Makes the clients beside the way, before the first instance needs them."""
        threading.Thread(target=lambda: [self.client(service) for service in ("iam", "sts")], daemon=True, name="warm-up").start()


class ProfileCredentials:
    """Asks the emulator's STS for the role of one instance profile, and asks again shortly before the credentials end."""

    def __init__(self, accounts: Accounts, profile_arn: str, session_name: str):
        self._accounts = accounts
        self._profile = profile_arn.rsplit("/", 1)[-1]
        self._session_name = session_name
        self._lock = threading.Lock()
        self._role: dict | None = None
        self._document: dict | None = None
        self._until = 0.0

    def role_name(self) -> str:
        with self._lock:
            return self._load_role()["RoleName"]

    def document(self) -> str:
        """The JSON document at iam/security-credentials/<role>."""
        with self._lock:
            if time.time() > self._until - RENEW_BEFORE_SECONDS:
                role = self._load_role()["Arn"]
                answer = self._accounts.client("sts").assume_role(RoleArn=role, RoleSessionName=self._session_name)["Credentials"]
                expiration = answer["Expiration"]
                self._until = expiration.timestamp()
                self._document = {
                    "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "AccessKeyId": answer["AccessKeyId"], "SecretAccessKey": answer["SecretAccessKey"], "Token": answer["SessionToken"],
                    "Expiration": expiration.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
            return json.dumps(self._document)

    def _load_role(self) -> dict:
        if self._role is None:
            profile = self._accounts.client("iam").get_instance_profile(InstanceProfileName=self._profile)["InstanceProfile"]
            if not profile["Roles"]:
                raise LookupError(f"the instance profile {self._profile} has no role")
            self._role = profile["Roles"][0]
        return self._role
