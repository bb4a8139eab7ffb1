"""Processes are kept alive, and none outlives its supervisor."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
from datetime import datetime

from sluice_node.status import Status
from sluice_node.supervisor import empty, restart_delay

NODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A supervisor of two processes, as the bootstrap makes it: argv[1] is its directory, the others are the two commands.
PROGRAM = """
import os, sys
from sluice_node.flink import ProcessSpec
from sluice_node.status import Status
from sluice_node.supervisor import Supervisor
home = sys.argv[1]
status = Status(os.path.join(home, "status.json"), processes=[])
specs = [ProcessSpec("p%d" % n, ["bash", "-c", command], os.path.join(home, "p%d.out" % n), os.path.join(home, "scratch%d" % n)) for n, command in enumerate(sys.argv[2:], 1)]
Supervisor(specs, status.processes).run()
status.update(phase="stopped")
"""


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("not true after %d s" % seconds)


def seconds_between(first, second):
    parsed = [datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") for text in (first, second)]
    return (parsed[1] - parsed[0]).total_seconds()


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class SupervisorTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = temporary.name

    def start(self, *commands):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, self.home, *commands], env={**os.environ, "PYTHONPATH": NODE})

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
        self.addCleanup(end)
        return process

    def processes(self):
        try:
            with open(os.path.join(self.home, "status.json")) as stream:
                return json.load(stream)["processes"]
        except (OSError, ValueError):
            return []

    def running(self, count=2):
        return wait_for(lambda: [item["pid"] for item in self.processes() if item["pid"]] if len([i for i in self.processes() if i["pid"]]) == count else None)

    def test_a_killed_process_is_running_again_at_once_and_its_death_is_told(self):
        self.start("exec sleep 100", "exec sleep 100")
        first, second = self.running()
        os.kill(first, signal.SIGKILL)
        again = wait_for(lambda: [item for item in self.processes() if item["starts"] == 2])[0]
        self.assertLess(seconds_between(again["deaths"][0]["at"], again["startedAt"]), 0.5)
        self.assertEqual("killed by SIGKILL", again["deaths"][0]["how"])
        self.assertEqual(first, again["deaths"][0]["pid"])
        self.assertTrue(alive(again["pid"]) and alive(second))

    def test_a_process_that_ends_again_and_again_is_not_started_in_a_tight_loop(self):
        self.start("exit 3")
        deaths = wait_for(lambda: [item for item in self.processes() if len(item["deaths"]) >= 3])[0]["deaths"]
        self.assertGreaterEqual(seconds_between(deaths[1]["at"], deaths[2]["at"]), 1.0)
        self.assertEqual("exit code 3", deaths[0]["how"])

    def test_a_supervisor_that_is_told_to_stop_ends_its_processes_first(self):
        supervisor = self.start("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done", "exec sleep 100")
        pids = self.running()
        supervisor.terminate()
        self.assertEqual(0, supervisor.wait(30))
        self.assertFalse(any(alive(pid) for pid in pids))
        with open(os.path.join(self.home, "p1.out")) as stream:
            self.assertEqual("bye\n", stream.read())

    def test_no_process_outlives_a_supervisor_that_is_killed(self):
        supervisor = self.start("exec sleep 100", "exec sleep 100")
        pids = self.running()
        supervisor.kill()
        wait_for(lambda: not any(alive(pid) for pid in pids))

    def test_waits_grow_with_repeated_deaths_and_are_bounded(self):
        self.assertEqual([0, 0, 1, 2, 4, 8, 16, 30, 30], [restart_delay(deaths) for deaths in range(9)])

    def test_what_a_killed_process_left_in_its_scratch_directory_is_gone_before_the_next_starts(self):
        scratch = os.path.join(self.home, "scratch")
        empty(scratch)
        open(os.path.join(scratch, "rocksdb"), "w").close()
        empty(scratch)
        self.assertEqual([], os.listdir(scratch))
        wait_for(lambda: os.listdir(self.home) == ["scratch"])


class StatusTest(unittest.TestCase):
    def test_the_latest_state_reaches_the_bucket_although_s3_fails_at_first(self):
        stored, calls = [], []

        def put(body):
            calls.append(body)
            if len(calls) == 1:
                raise OSError("S3 does not answer")
            stored.append(json.loads(body))
        with tempfile.TemporaryDirectory() as directory, unittest.mock.patch("sluice_node.status.RETRY_SECONDS", 0.05):
            status = Status(os.path.join(directory, "status.json"))
            status.publish_with(put)
            status.update(phase="running")
            wait_for(lambda: stored and stored[-1]["phase"] == "running")
