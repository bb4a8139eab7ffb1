"""Instances of the emulator become process groups, and their ends are told."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOCAL = Path(__file__).resolve().parents[2]
SLEEPS = "#!/bin/bash\nsleep 1000 & echo $! > child\nexec sleep 1000\n"


class FakeEmulator:
    """The control endpoints with EC2's states: reports move an instance on."""

    def __init__(self) -> None:
        self.instances: dict[str, dict] = {}
        self.reports: list[tuple[str, str, str]] = []
        self.announced: list[tuple[str, str]] = []
        self.impaired: list[str] = []
        self.settings = {"bootDelaySeconds": 0.0, "autoStart": True}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(fake.settings if self.path == "/_twin/settings" else list(fake.instances.values()))

            def do_PUT(self) -> None:
                fake.settings.update(self.body())
                self.answer(fake.settings)

            def do_POST(self) -> None:
                body = self.body()
                if self.path.endswith("/impaired"):
                    fake.impaired.append(self.path.split("/")[3])
                    return self.answer({})
                if self.path.endswith("/well"):
                    fake.impaired = [zone for zone in fake.impaired if zone != self.path.split("/")[3]]
                    return self.answer({})
                if self.path.endswith("/notice"):
                    fake.announced.append((self.path.split("/")[3], body["path"]))
                    return self.answer({})
                fake.reports.append((self.path.split("/")[3], body["state"], body["reason"]))
                fake.instances[self.path.split("/")[3]]["state"] = body["state"]
                self.answer({})

            def body(self) -> dict:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def launch(self, instance_id: str, address: str, user_data: str = SLEEPS, state: str = "pending") -> None:
        self.instances[instance_id] = {"instanceId": instance_id, "state": state, "privateIp": address, "secondaryIps": [], "zone": "us-east-1a",
                                       "instanceType": "c5.large", "tags": {"sluice:role": "taskmanager"}, "userData": user_data}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def wait_for(condition, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not true after {seconds} s")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class AgentTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(temporary.cleanup)
        self.state = Path(temporary.name)
        self.emulator = FakeEmulator()
        self.addCleanup(self.emulator.close)

    def start(self) -> subprocess.Popen:
        agent = subprocess.Popen([sys.executable, "-m", "fleet", "--emulator", self.emulator.url, "--state", str(self.state), "--grace", "0.5", "--with-parent"],
                                 env={**os.environ, "PYTHONPATH": str(LOCAL)}, stdout=subprocess.DEVNULL)

        def end() -> None:
            if agent.poll() is None:
                agent.terminate()
            agent.wait(30)
        self.addCleanup(end)
        return agent

    def reported(self, *wanted: str) -> tuple[str, str, str]:
        return wait_for(lambda: next((item for item in self.emulator.reports if item[:2] == wanted), None))

    def child(self, instance_id: str) -> int:
        path = self.state / "instances" / instance_id / "child"
        return int(wait_for(lambda: path.exists() and path.read_text().strip()))

    def control(self, path: str, body: object | None = None, method: str = "POST"):
        url = (self.state / "fleet.url").read_text().strip() + path
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())

    def test_a_pending_instance_runs_its_user_data_in_an_environment_of_its_own_and_is_reported_running(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1", "#!/bin/bash\nenv > seen; exec sleep 1000\n")
        self.start()
        self.reported("i-1", "running")
        directory = self.state / "instances" / "i-1"
        seen = dict(line.split("=", 1) for line in wait_for(lambda: (directory / "seen").exists() and (directory / "seen").read_text()).strip().splitlines())
        self.assertEqual((str(directory), "http://127.70.41.1:8169", self.emulator.url), (
            seen["SLUICE_HOME"], seen["AWS_EC2_METADATA_SERVICE_ENDPOINT"], seen["AWS_ENDPOINT_URL"]))
        self.assertNotIn("AWS_ACCESS_KEY_ID", seen)
        # A node asks for it where it is root, as in CI; Flink runs as whoever runs the agent.
        self.assertEqual(os.geteuid(), pwd.getpwnam(seen["SLUICE_FLINK_USER"]).pw_uid)
        self.assertFalse(self.emulator.settings["autoStart"])

    def test_the_boot_delay_is_kept(self) -> None:
        self.emulator.settings["bootDelaySeconds"] = 1.0
        self.start()
        wait_for(lambda: not self.emulator.settings["autoStart"])
        started = time.monotonic()
        self.emulator.launch("i-1", "127.70.41.1")
        self.reported("i-1", "running")
        self.assertGreaterEqual(time.monotonic() - started, 1.0)

    def test_a_terminated_instance_ends_with_all_its_processes_and_is_reported_then(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        child = self.child("i-1")
        self.emulator.instances["i-1"]["state"] = "shutting-down"
        self.reported("i-1", "terminated")
        self.assertFalse(alive(child))

    def test_an_instance_that_does_not_listen_is_switched_off_after_the_grace(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1", "#!/bin/bash\ntrap '' TERM\necho $$ > child\nwhile :; do sleep 0.1; done\n")
        self.start()
        self.reported("i-1", "running")
        child = self.child("i-1")
        self.emulator.instances["i-1"]["state"] = "shutting-down"
        self.reported("i-1", "terminated")
        self.assertFalse(alive(child))

    def test_a_host_that_dies_is_reported_terminated_with_the_reason_and_nothing_of_it_stays(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        child = self.child("i-1")
        self.control("/instances/i-1/signal", {"signal": "SIGKILL"})
        self.assertRegex(self.reported("i-1", "terminated")[2], "killed by SIGKILL")
        self.assertFalse(alive(child))

    def test_user_data_that_fails_ends_the_host_with_its_last_words(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1", "#!/bin/bash\necho the bundle cannot be read >&2\nexit 1\n")
        self.start()
        self.assertRegex(self.reported("i-1", "terminated")[2], r"exit code 1 \(the bundle cannot be read\)")

    def test_a_host_can_be_frozen_and_goes_on_afterwards(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        # The user data may write before the agent knows its process.
        self.reported("i-1", "running")
        child = self.child("i-1")
        for name, letter in (("SIGSTOP", "T"), ("SIGCONT", "S")):
            self.control("/instances/i-1/signal", {"signal": name})
            wait_for(lambda letter=letter: Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == letter)

    def test_a_lost_zone_stands_still_out_of_the_reach_of_ec2_and_is_announced_unless_that_is_not_wanted(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        child = self.child("i-1")
        self.control("/zones/us-east-1a/lose", {"announced": False})
        self.assertEqual([], self.emulator.impaired)
        self.control("/zones/us-east-1a/lose", {})
        self.assertEqual(["us-east-1a"], self.emulator.impaired)
        self.emulator.instances["i-1"]["state"] = "shutting-down"
        self.emulator.launch("i-2", "127.70.41.2")
        time.sleep(1)
        self.assertTrue(alive(child))
        self.assertEqual("T", Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0])
        self.assertNotIn("i-2", [instance_id for instance_id, _, _ in self.emulator.reports])

    def test_a_zone_that_returns_goes_on_for_a_while_before_ec2_reaches_it(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        child = self.child("i-1")
        self.control("/zones/us-east-1a/lose", {"signal": "SIGSTOP"})
        self.emulator.instances["i-1"]["state"] = "shutting-down"
        returned = time.monotonic()
        self.control("/zones/us-east-1a/return", {"zombieSeconds": 2})
        wait_for(lambda: Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S")
        self.reported("i-1", "terminated")
        self.assertGreaterEqual(time.monotonic() - returned, 2)
        self.assertFalse(alive(child))

    def test_instances_of_an_agent_that_is_gone_are_lost_hosts(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1", state="running")
        self.start()
        self.assertRegex(self.reported("i-1", "terminated")[2], "the host was lost")

    def test_a_new_agent_after_a_killed_one_finds_no_process_of_it(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        agent = self.start()
        child = self.child("i-1")
        agent.send_signal(signal.SIGKILL)
        wait_for(lambda: not alive(child))

    def test_an_agent_that_is_told_to_end_leaves_no_process(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.emulator.launch("i-2", "127.70.41.2")
        agent = self.start()
        children = [self.child("i-1"), self.child("i-2")]
        agent.terminate()
        self.assertEqual(0, agent.wait(30))
        self.assertFalse(any(alive(pid) for pid in children))

    def test_two_agents_do_not_work_in_the_same_directory(self) -> None:
        self.start()
        wait_for(lambda: (self.state / "fleet.url").exists())
        self.assertEqual(1, self.start().wait(30))

    def metadata(self, address: str, path: str) -> str | None:
        url = f"http://{address}:8169/latest/"
        token = urllib.request.urlopen(urllib.request.Request(url + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}), timeout=5).read().decode()
        try:
            return urllib.request.urlopen(urllib.request.Request(url + path, headers={"X-aws-ec2-metadata-token": token}), timeout=5).read().decode()
        except urllib.error.HTTPError:
            return None

    def test_a_running_instance_reads_a_tag_that_it_is_given_and_no_more_when_it_is_taken_off(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        path = "meta-data/tags/instance/sluice:drain"
        self.assertIsNone(self.metadata("127.70.41.1", path))
        self.emulator.instances["i-1"]["tags"] = {"sluice:role": "taskmanager", "sluice:drain": "op-1"}
        wait_for(lambda: self.metadata("127.70.41.1", path) == "op-1")
        self.emulator.instances["i-1"]["tags"] = {"sluice:role": "taskmanager"}
        wait_for(lambda: self.metadata("127.70.41.1", path) is None)

    def test_a_new_notice_is_announced_once_and_the_host_is_taken_at_its_time(self) -> None:
        self.emulator.launch("i-1", "127.70.41.1")
        self.start()
        self.reported("i-1", "running")
        at = (datetime.now(timezone.utc) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        notice = {"spot/instance-action": {"action": "terminate", "time": at}}
        for _ in range(2):
            self.control("/instances/i-1/notices", notice, "PUT")
        self.assertEqual([("i-1", "spot/instance-action")], self.emulator.announced)
        self.assertRegex(self.reported("i-1", "terminated")[2], "SpotInstanceTermination")

    def test_an_address_that_is_not_loopback_is_refused_with_advice(self) -> None:
        self.emulator.launch("i-1", "10.0.0.1")
        self.start()
        self.assertRegex(self.reported("i-1", "terminated")[2], "10.0.0.1 is not a loopback address")
