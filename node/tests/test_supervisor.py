"""Processes are kept alive, and none outlives its supervisor."""
import contextlib
import io
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
from pathlib import Path

from sluice_node.status import Status
from sluice_node.supervisor import empty, restart_delay

from .fakes import MAC, FakeMetadata, instance

NODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A supervisor of two processes, as the bootstrap makes it: argv[1] is its directory, the others are the two commands.
PROGRAM = """
import os, sys
from sluice_node.flink import ProcessSpec
from sluice_node.status import Status
from sluice_node.supervisor import Supervisor
home = sys.argv[1]
status = Status(os.path.join(home, "status.json"), processes=[])
specs = [ProcessSpec("p%d" % n, ["bash", "-c", command], os.path.join(home, "p%d.out" % n), os.path.join(home, "scratch%d" % n), classes=os.environ.get("CLASSES", ""))
         for n, command in enumerate(sys.argv[2:], 1)]
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

    def start(self, *commands, **environment):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, self.home, *commands], env={**os.environ, "PYTHONPATH": NODE, **environment})

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

    def test_a_process_that_dies_with_the_archive_of_its_classes_is_started_without_it(self):
        archive = os.path.join(self.home, "p.jsa")
        open(archive, "w").close()
        self.start("exec sleep 100", CLASSES=archive)  # Bash does not take the JVM's options.
        self.running(1)
        again = wait_for(lambda: [item for item in self.processes() if item["pid"] and item["starts"] == 3])[0]
        self.assertEqual(["exit code 2"] * 2, [death["how"] for death in again["deaths"]])
        self.assertTrue(alive(again["pid"]))

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


class AddressesTest(unittest.TestCase):
    """A host whose second and third address come after it has started, as the bootstrap wires it."""

    PROGRAM = """
import os, sys
from sluice_node import addresses, flink, main, node
from sluice_node.flink import ProcessSpec
from sluice_node.imds import Metadata
from sluice_node.status import Status
addresses.SOON_SECONDS = 0.05
home = sys.argv[1]
failed = os.path.join(home, "failed")

def task_managers(installation, instance_id, found):
    if len(found) == 3 and not os.path.exists(failed):
        open(failed, "w").close()
        raise flink.FlinkError("no memory for Flink's own tools")
    return [ProcessSpec("p%d" % n, ["bash", "-c", "echo %s; exec sleep 100" % address], os.path.join(home, "p%d.out" % n), os.path.join(home, "scratch%d" % n))
            for n, address in enumerate(found, 1)]

flink.task_managers = task_managers
status = Status(os.path.join(home, "status.json"), phase="running", processes=[])
metadata = Metadata(os.environ["IMDS"])
say = lambda text: print(text, file=sys.stderr)
specs, later = main.describe(node.read_identity(metadata), None, 3, metadata, say, status)
main.supervise(specs, status, metadata, say, later)
"""

    def test_each_address_that_comes_later_gets_a_process_and_those_that_run_are_left_alone(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        home = temporary.name
        metadata = FakeMetadata(instance(addresses=("127.70.30.20",)))
        self.addCleanup(metadata.close)
        listed = "meta-data/network/interfaces/macs/%s/local-ipv4s" % MAC
        process = subprocess.Popen([sys.executable, "-c", self.PROGRAM, home], env={**os.environ, "PYTHONPATH": NODE, "IMDS": metadata.url},
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def status():
            try:
                return json.loads(Path(home, "status.json").read_text())
            except (OSError, ValueError):
                return {"processes": []}

        def running(count):
            found = [item for item in status()["processes"] if item["pid"]]
            return found if len(found) == count else None
        [first] = wait_for(lambda: running(1))
        metadata.found[listed] = "127.70.30.20\n127.70.30.22"
        wait_for(lambda: running(2))
        del metadata.found[listed]  # The metadata fails for a moment.
        time.sleep(0.2)
        metadata.found[listed] = "127.70.30.20\n127.70.30.21\n127.70.30.22"
        found = wait_for(lambda: running(3))
        self.assertEqual([first["pid"], ["p1", "p2", "p3"]], [found[0]["pid"], [item["name"] for item in found]])
        self.assertTrue(os.path.exists(os.path.join(home, "failed")))
        self.assertEqual(["3 process(es) started.", 3], [status()["reason"], len(status()["addresses"])])
        wait_for(lambda: [Path(home, "p%d.out" % n).read_text() for n in (1, 2, 3)] == ["127.70.30.20\n", "127.70.30.22\n", "127.70.30.21\n"])
        # A late one is kept alive as the others are.
        os.kill(found[2]["pid"], signal.SIGKILL)
        wait_for(lambda: [item for item in running(3) or [] if item["name"] == "p3" and item["starts"] == 2])


class HoldTest(unittest.TestCase):
    """A supervisor whose processes are held back by a tag of the instance, as the bootstrap wires it."""

    PROGRAM = """
import os, sys
from sluice_node import drain, main
from sluice_node.flink import ProcessSpec
from sluice_node.imds import Metadata
from sluice_node.status import Status
drain.watch.__defaults__ = (None, 0.05)
home = sys.argv[1]
status = Status(os.path.join(home, "status.json"), phase="running", processes=[])
specs = [ProcessSpec("p%d" % n, ["bash", "-c", command], os.path.join(home, "p%d.out" % n), os.path.join(home, "scratch%d" % n)) for n, command in enumerate(sys.argv[2:], 1)]
main.supervise(specs, status, Metadata(os.environ["IMDS"]), lambda text: None)
"""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = temporary.name
        self.metadata = FakeMetadata(instance())
        self.addCleanup(self.metadata.close)

    def start(self, *commands):
        process = subprocess.Popen([sys.executable, "-c", self.PROGRAM, self.home, *commands], env={**os.environ, "PYTHONPATH": NODE, "IMDS": self.metadata.url})

        def end():
            process.terminate()
            process.wait()
        self.addCleanup(end)
        return process

    def status(self):
        try:
            with open(os.path.join(self.home, "status.json")) as stream:
                return json.load(stream)
        except (OSError, ValueError):
            return {"phase": "", "processes": []}

    def pids(self):
        return [item["pid"] for item in self.status()["processes"] if item["pid"]]

    def tag(self, value):
        if value is None:
            del self.metadata.found["meta-data/tags/instance/sluice:drain"]
        else:
            self.metadata.found["meta-data/tags/instance/sluice:drain"] = value

    def test_a_host_that_is_to_be_drained_ends_its_processes_in_order_and_says_who_asked(self):
        self.start("trap 'echo left in order; exit 0' TERM; while :; do sleep 0.05; done", "exec sleep 100")
        pids = wait_for(lambda: self.pids() if len(self.pids()) == 2 else None)
        self.tag("op-1")
        wait_for(lambda: self.status()["phase"] == "drained")
        self.assertIn("op-1", self.status()["reason"])
        self.assertFalse(any(alive(pid) for pid in pids))
        with open(os.path.join(self.home, "p1.out")) as stream:
            self.assertEqual("left in order\n", stream.read())
        time.sleep(0.5)
        self.assertEqual([], self.pids())

    def test_a_host_that_is_taken_back_runs_its_processes_again_at_once(self):
        self.start("exec sleep 100", "exec sleep 100")
        wait_for(lambda: len(self.pids()) == 2)
        for _ in range(3):
            self.tag("op-1")
            wait_for(lambda: self.status()["phase"] == "drained")
            self.tag(None)
            started = time.monotonic()
            wait_for(lambda: len(self.pids()) == 2)
            self.assertLess(time.monotonic() - started, 0.9)
            self.assertEqual("running", self.status()["phase"])

    def test_a_host_that_boots_with_the_tag_is_drained(self):
        self.tag("op-1")
        self.start("exec sleep 100")
        wait_for(lambda: self.status()["phase"] == "drained")

    def test_metadata_that_does_not_answer_takes_no_host_back(self):
        self.start("exec sleep 100")
        self.tag("op-1")
        wait_for(lambda: self.status()["phase"] == "drained")
        self.metadata.close()
        time.sleep(0.5)
        self.assertEqual("drained", self.status()["phase"])


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

    def test_a_disk_that_takes_nothing_keeps_the_state_from_nobody(self):
        stored = []
        # Every write to it fails for want of space.
        status = Status(os.path.join(self.full(), "status.json"))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status.publish_with(lambda body: stored.append(json.loads(body)))
            status.update(phase="running")
            wait_for(lambda: stored and stored[-1]["phase"] == "running")
        self.assertIn("No space left on device", said.getvalue())

    def full(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.symlink("/dev/full", os.path.join(directory.name, "status.json.new"))
        return directory.name
