"""One emulated instance as a process group on this machine."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from .credentials import Accounts, ProfileCredentials
from .metadata import ROLE_DOCUMENTS, MetadataServer, documents
from .processes import group_gone, signal_group, start_group
from .warden import Warden


@dataclass(frozen=True)
class Site:
    """What all machines share. `images` holds flink-<version> directories; `tools` is put first on every PATH."""

    emulator: str
    region: str
    account: str
    images: Path
    tools: Path
    java: Path
    instances: Path
    grace_seconds: float
    accounts: Accounts
    warden: Warden


def _own_user() -> dict[str, str]:
    """
    Not as on AWS: Flink runs as whoever runs the agent, also where that is root (CI). A user of its own would have to be made on this machine, and could not
    read a home directory. Who has no name in /etc/passwd is not root.
    """
    try:
        return {"SLUICE_FLINK_USER": pwd.getpwuid(os.geteuid()).pw_name}
    except KeyError:
        return {}


class Machine:
    """
    new → booted → (stopping →) ended. Everything is done from the agent's main thread, except signal() and set_notice().

    A VM's end is its kernel's end; here that is the end of the process that runs the user data, and nothing of its group outlives it.
    """

    def __init__(self, instance: dict, site: Site):
        self.instance = instance
        self.id: str = instance["instanceId"]
        self.directory = site.instances / self.id
        self._site = site
        self._seen = time.monotonic()
        self._process = None
        self._metadata: MetadataServer | None = None
        self._credentials: ProfileCredentials | None = None
        self._kill_at = 0.0
        self.notices: dict[str, object] = {}
        self.phase = "new"

    @property
    def group(self) -> int | None:
        return self._process.pid if self._process else None

    def age(self) -> float:
        """Seconds since the agent saw the instance first."""
        return time.monotonic() - self._seen

    def boot(self) -> None:
        """Starts the metadata service and the user data. Raises OSError when the address cannot be used."""
        address = self.instance["privateIp"]
        if not address.startswith("127."):
            raise OSError(f"{address} is not a loopback address: give the twin's stage a VPC range inside 127.0.0.0/8")
        self.directory.mkdir(parents=True, exist_ok=True)
        image = self.directory / "image"
        image.mkdir(exist_ok=True)
        for found in self._site.images.glob("flink-*"):
            (image / found.name).symlink_to(found.resolve())
        if self.instance.get("instanceProfileArn"):
            self._credentials = ProfileCredentials(self._site.accounts, self.instance["instanceProfileArn"], self.id)
        self._metadata = MetadataServer(address, self._look_up)
        script = self.directory / "user-data"
        script.write_text(self.instance.get("userData") or "#!/bin/bash\nexec sleep infinity\n")
        script.chmod(0o700)
        self._process = start_group(["bash", str(script)], str(self.directory), self._environment(), str(self.directory / "console.log"))
        self._site.warden.watch(self._process.pid)
        self.phase = "booted"

    def _environment(self) -> dict[str, str]:
        """Nothing of the agent's own environment: a VM does not inherit one, and credentials must come from the metadata service."""
        path = [str(self._site.tools), str(self._site.java.parent), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return {
            "PATH": ":".join(path), "HOME": str(self.directory), "LANG": "C.UTF-8", "SLUICE_HOME": str(self.directory),
            # Not as on AWS: the machine below may run systemd, the emulated one does not.
            "SLUICE_FOREGROUND": "1",
            **_own_user(),
            "JAVA_HOME": str(self._site.java.parent.parent),
            "AWS_ENDPOINT_URL": self._site.emulator, "AWS_ENDPOINT_URL_S3": self._site.emulator,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self._metadata.url if self._metadata else "",
        }

    def _look_up(self, path: str) -> str | None:
        if self._credentials and path.startswith(ROLE_DOCUMENTS) and path == ROLE_DOCUMENTS + self._credentials.role_name():
            return self._credentials.document()
        found = documents(self.instance, self._site.account, self._site.region, self._credentials, self.notices).get(path)
        return found() if found else None

    def ended_by_itself(self) -> str | None:
        """Why the machine is dead although nobody asked for it, or None."""
        if self.phase != "booted" or self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        last = self._last_words() if code > 0 else ""
        return f"Server.InternalError: the host's process {how}" + (f" ({last})" if last else "")

    def interrupted(self) -> str | None:
        """Why EC2 takes the machine now, or None: the time of a Spot interruption notice has come."""
        notice = self.notices.get("spot/instance-action")
        if self.phase != "booted" or not isinstance(notice, dict) or not isinstance(notice.get("time"), str):
            return None
        at = datetime.fromisoformat(notice["time"].replace("Z", "+00:00"))
        return "Server.SpotInstanceTermination: Spot instance termination" if datetime.now(timezone.utc) >= at else None

    def _last_words(self) -> str:
        try:
            lines = (self.directory / "console.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][-300:] if lines else ""

    def stop(self) -> None:
        """What EC2 does on terminate: asks the operating system to shut down, and pulls the plug after a while."""
        if self._process is None:
            self.phase = "ended"
        elif self.phase == "booted":
            self.phase, self._kill_at = "stopping", time.monotonic() + self._site.grace_seconds
            signal_group(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self._process is not None:
            signal_group(self._process.pid, signal.SIGKILL)
            self.phase, self._kill_at = "stopping", time.monotonic()

    def gone(self) -> bool:
        """Goes on with stop(); true once nothing is left, with addresses and disk given back."""
        if self.phase == "stopping" and self._process is not None:
            if time.monotonic() >= self._kill_at or self._process.poll() is not None:
                signal_group(self._process.pid, signal.SIGKILL)
            self._process.poll()
            if not group_gone(self._process.pid):
                return False
            self._site.warden.forget(self._process.pid)
            self.phase = "ended"
        if self.phase != "ended":
            return False
        if self._metadata is not None:
            self._metadata.close()
            self._metadata = None
        # Logs stay for people; the instance's disk does not.
        for path in [*(self.directory / name for name in ("state", "bundle", "image", "java")), *self.directory.glob("flink-*")]:
            shutil.rmtree(path, ignore_errors=True)
        return True

    def signal(self, number: int, process: str | None = None) -> None:
        """Sends a signal to the whole machine, or to one of its Flink processes by name. Raises LookupError."""
        if self._process is None or self.phase == "ended":
            raise LookupError(f"{self.id} has no processes")
        if process is None:
            return signal_group(self._process.pid, number)
        for item in self.status().get("processes", []):
            if item["name"] == process and item["pid"]:
                return os.kill(item["pid"], number)
        raise LookupError(f"{self.id} has no process {process}")

    def status(self) -> dict:
        """What the node says of itself (its status.json), empty before it says anything."""
        try:
            return json.loads((self.directory / "status.json").read_text())
        except (OSError, ValueError):
            return {}

    def describe(self) -> dict:
        return {"instanceId": self.id, "phase": self.phase, "pid": self.group, "directory": str(self.directory),
                "address": self.instance["privateIp"], "zone": self.instance["zone"], "tags": self.instance.get("tags") or {}, "status": self.status()}
