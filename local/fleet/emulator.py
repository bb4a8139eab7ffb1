"""The emulator's twin-only control endpoints, as far as hardware needs them."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit


class EmulatorUnavailable(Exception):
    """The emulator does not answer, or not with success."""


class Emulator:
    """One kept connection: the agent asks five times a second."""

    def __init__(self, url: str, timeout: float = 5.0):
        parts = urlsplit(url)
        self._host, self._port, self._timeout = parts.hostname or "127.0.0.1", parts.port or 80, timeout
        self._connection: http.client.HTTPConnection | None = None

    def instances(self) -> list[dict]:
        return self._call("GET", "/_twin/instances")

    def settings(self) -> dict:
        return self._call("GET", "/_twin/settings")

    def take_over(self) -> None:
        """From now on an instance's state is what report() says, not a matter of time."""
        self._call("PUT", "/_twin/settings", {"autoStart": False})

    def report(self, instance_id: str, state: str, reason: str) -> None:
        self._call("POST", f"/_twin/instances/{instance_id}/state", {"state": state, "reason": reason})

    def notice(self, instance_id: str, path: str, content: object) -> None:
        """EC2 has given an instance a notice: the event that goes with it. On a connection of its own, as faults come from other threads."""
        Emulator(f"http://{self._host}:{self._port}", self._timeout)._call("POST", f"/_twin/instances/{instance_id}/notice", {"path": path, "content": content})

    def zone_impaired(self, zone: str) -> None:
        """AWS sees that a zone is impaired, and says so. On a connection of its own, as notice()."""
        Emulator(f"http://{self._host}:{self._port}", self._timeout)._call("POST", f"/_twin/zones/{zone}/impaired", {})

    def zone_well(self, zone: str) -> None:
        """It is over, as far as AWS sees."""
        Emulator(f"http://{self._host}:{self._port}", self._timeout)._call("POST", f"/_twin/zones/{zone}/well", {})

    def _call(self, method: str, path: str, body: object = None):
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
            payload = None if body is None else json.dumps(body)
            self._connection.request(method, path, payload, {"content-type": "application/json"} if payload else {})
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            raise EmulatorUnavailable(f"{method} {path}: {error}") from error
        if answer.status != 200:
            raise EmulatorUnavailable(f"{method} {path}: {answer.status} {content[:200].decode('utf-8', 'replace')}")
        return json.loads(content)
