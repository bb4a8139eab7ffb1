"""Instance metadata as clients of version 2 see it."""

from __future__ import annotations

import json
import unittest
import urllib.error
import urllib.request

from fleet.metadata import MetadataServer, documents, mac_of

INSTANCE = {
    "instanceId": "i-1", "state": "pending", "privateIp": "127.70.40.10", "secondaryIps": ["127.70.40.11"], "zone": "us-east-1b", "subnetId": "subnet-1",
    "instanceType": "c5.large", "tags": {"sluice:role": "taskmanager", "Name": "a b"}, "userData": "#!/bin/bash\n", "networkInterfaceId": "eni-1",
}


class Credentials:
    def role_name(self) -> str:
        return "node-role"


class MetadataTest(unittest.TestCase):
    def setUp(self) -> None:
        self.notices: dict[str, object] = {}

        def look_up(path: str) -> str | None:
            found = documents(INSTANCE, "000000000000", "us-east-1", Credentials(), self.notices).get(path)
            return found() if found else None
        self.server = MetadataServer("127.0.0.1", look_up, port=0)
        self.addCleanup(self.server.close)

    def call(self, method: str, path: str, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(self.server.url + path, method=method, headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def get(self, path: str) -> tuple[int, str]:
        _, token = self.call("PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")
        return self.call("GET", "/latest/" + path, X_aws_ec2_metadata_token=token)

    def test_nothing_is_told_without_a_token(self) -> None:
        self.assertEqual(401, self.call("GET", "/latest/meta-data/instance-id")[0])
        self.assertEqual(401, self.call("GET", "/latest/meta-data/instance-id", X_aws_ec2_metadata_token="made-up")[0])

    def test_a_token_needs_a_lifetime_that_ec2_accepts(self) -> None:
        self.assertEqual(400, self.call("PUT", "/latest/api/token")[0])
        self.assertEqual(400, self.call("PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="21601")[0])

    def test_tags_addresses_and_place_are_the_instances_own(self) -> None:
        self.assertEqual((200, "Name\nsluice:role"), self.get("meta-data/tags/instance"))
        self.assertEqual((200, "taskmanager"), self.get("meta-data/tags/instance/sluice:role"))
        self.assertEqual((200, "127.70.40.10\n127.70.40.11"), self.get(f"meta-data/network/interfaces/macs/{mac_of('127.70.40.10')}/local-ipv4s"))
        self.assertEqual((200, "us-east-1b"), self.get("meta-data/placement/availability-zone"))
        self.assertEqual("i-1", json.loads(self.get("dynamic/instance-identity/document")[1])["instanceId"])

    def test_the_role_of_the_instance_profile_is_listed(self) -> None:
        self.assertEqual((200, "node-role"), self.get("meta-data/iam/security-credentials/"))

    def test_there_is_no_interruption_notice_until_one_is_given(self) -> None:
        self.assertEqual(404, self.get("meta-data/spot/instance-action")[0])
        self.notices["spot/instance-action"] = {"action": "terminate"}
        self.assertEqual((200, '{"action": "terminate"}'), self.get("meta-data/spot/instance-action"))
