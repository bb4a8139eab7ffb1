"""
The instance metadata service (version 2) of one emulated instance, on the instance's own address.

AWS: 169.254.169.254 port 80, every path below /latest/ refused with 401 without a token from PUT /latest/api/token
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html). Here: <private address>:8169.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .credentials import ProfileCredentials

PORT = 8169
ROLE_DOCUMENTS = "meta-data/iam/security-credentials/"


def mac_of(address: str) -> str:
    """EC2's addresses start with 02 or 06; the rest is made from the private address."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def documents(instance: dict, account: str, region: str, credentials: ProfileCredentials | None, notices: dict[str, object]) -> dict[str, Callable[[], str]]:
    """Path below /latest/ → what is there. Listings are given where clients ask for them."""
    address, mac = instance["privateIp"], mac_of(instance["privateIp"])
    interface = f"meta-data/network/interfaces/macs/{mac}/"
    found: dict[str, Callable[[], str]] = {}

    def put(path: str, text: str) -> None:
        found[path] = lambda: text

    put("meta-data/instance-id", instance["instanceId"])
    put("meta-data/instance-type", instance["instanceType"])
    put("meta-data/instance-life-cycle", instance.get("lifecycle") or "on-demand")
    put("meta-data/local-ipv4", address)
    put("meta-data/mac", mac)
    put("meta-data/placement/availability-zone", instance["zone"])
    put("meta-data/placement/region", region)
    put("meta-data/network/interfaces/macs/", mac + "/")
    put(interface + "local-ipv4s", "\n".join([address, *(instance.get("secondaryIps") or [])]))
    put(interface + "subnet-id", instance.get("subnetId") or "")
    put(interface + "interface-id", instance.get("networkInterfaceId") or "")
    put("user-data", instance.get("userData") or "")
    put("dynamic/instance-identity/document", json.dumps({
        "accountId": account, "region": region, "availabilityZone": instance["zone"], "instanceId": instance["instanceId"],
        "instanceType": instance["instanceType"], "privateIp": address, "imageId": instance.get("imageId"), "version": "2017-09-30",
        "architecture": "x86_64", "pendingTime": instance.get("launchedAt")}, indent=2))
    # EC2 leaves out its own tags' prefix nowhere: aws:autoscaling:groupName is readable too.
    tags = instance.get("tags") or {}
    put("meta-data/tags/instance", "\n".join(sorted(tags)))
    put("meta-data/tags/instance/", "\n".join(sorted(tags)))
    for key, value in tags.items():
        put("meta-data/tags/instance/" + key, value)
    if credentials is not None:
        for listing in (ROLE_DOCUMENTS.rstrip("/"), ROLE_DOCUMENTS):
            found[listing] = credentials.role_name
    for path, content in notices.items():
        put("meta-data/" + path, json.dumps(content))
    return found


class MetadataServer:
    """`look_up(path)` gives the text below /latest/<path>, or None."""

    def __init__(self, address: str, look_up: Callable[[str], str | None], port: int = PORT):
        tokens: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                if self.path != "/latest/api/token":
                    return self._answer(404, "")
                seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
                if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
                    return self._answer(400, "")
                token = secrets.token_urlsafe(40)
                tokens.add(token)
                self._answer(200, token, {"X-aws-ec2-metadata-token-ttl-seconds": seconds})

            def do_GET(self) -> None:
                if self.headers.get("X-aws-ec2-metadata-token") not in tokens:
                    return self._answer(401, "")
                try:
                    text = look_up(self.path.removeprefix("/latest/"))
                except Exception as error:  # noqa: BLE001  (the machine goes on; the client sees a server error and may retry)
                    return self._answer(500, str(error))
                self._answer(404 if text is None else 200, text or "")

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    pass  # The client did not wait for the answer.

            def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
                body = text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.daemon_threads = True
        self._server = ThreadingHTTPServer((address, port), Handler)
        self.url = f"http://{address}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True, name=f"metadata {address}").start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
