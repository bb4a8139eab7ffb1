"""The systemd unit that a host installs."""
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

from sluice_node import main


class UnitTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home = directory.name
        with unittest.mock.patch.object(subprocess, "run") as run, unittest.mock.patch.dict(os.environ, {"AWS_REGION": "eu-west-1"}):
            self.assertEqual(0, main.install_unit(self.home, units=self.home))
        self.commands = [call.args[0] for call in run.call_args_list]
        self.path = os.path.join(self.home, "sluice-node.service")
        with open(self.path) as stream:
            self.lines = stream.read().splitlines()

    def test_it_is_started_now_and_at_each_boot_with_the_environment_of_the_user_data(self):
        self.assertIn(["systemctl", "enable", "--now", "sluice-node.service"], self.commands)
        self.assertIn("EnvironmentFile=-%s/environment" % self.home, self.lines)
        with open(os.path.join(self.home, "environment")) as stream:
            self.assertIn("AWS_REGION=eu-west-1\n", stream.readlines())

    def test_a_process_that_the_kernel_ends_for_want_of_memory_ends_no_other(self):
        self.assertIn("OOMPolicy=continue", self.lines)

    def test_flink_runs_as_a_user_of_its_own_who_may_have_as_many_threads_as_root(self):
        self.assertTrue({"Environment=SLUICE_FLINK_USER=flink", "LimitNPROC=infinity"} <= set(self.lines))

    def test_the_kernel_gives_up_a_connection_to_a_host_that_vanished_before_its_successor_is_there(self):
        setting = [line.rsplit(None, 1)[-1] for line in self.lines if line.startswith("ExecStartPre=")]
        self.assertEqual(["net.ipv4.tcp_retries2=5"], setting)

    def test_what_the_supervisor_says_is_in_the_console_output(self):
        self.assertIn("StandardOutput=journal+console", self.lines)  # Standard error goes where standard output goes.

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_systemd_understands_each_line(self):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.path], capture_output=True, text=True)
        self.assertNotIn(self.path, done.stderr)
        self.assertEqual(0, done.returncode, done.stderr)
