"""The first script of a host, with every command that reaches outside replaced."""
import io
import os
import subprocess
import tempfile
import unittest
import zipfile

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "user-data.sh")


class UserDataTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = directory.name
        self.commands = os.path.join(self.root, "commands")
        os.mkdir(self.commands)
        self.called = os.path.join(self.root, "called")
        for name in ("shutdown", "sleep"):
            self.command(name, "")
        self.command("id", "echo 0")
        self.bundle("open('started', 'w').close()")

    def command(self, name, body):
        path = os.path.join(self.commands, name)
        with open(path, "w") as stream:
            stream.write('#!/bin/bash\necho "%s $*" >> "%s"\n%s\n' % (name, self.called, body))
        os.chmod(path, 0o700)

    def bundle(self, bootstrap, failures=0):
        """What S3 gives after so many failures."""
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr("bootstrap.py", bootstrap)
        path = os.path.join(self.root, "in-s3.zip")
        with open(path, "wb") as stream:
            stream.write(memory.getvalue())
        self.command("aws", '[ "$(grep -c ^aws "%s")" -gt %d ] && cp "%s" "${@: -1}"' % (self.called, failures, path))

    def run_script(self, own_machine=True, foreground=False):
        systemd = tempfile.mkdtemp(dir=self.root)
        if not own_machine:
            os.rmdir(systemd)
        environment = {"PATH": self.commands + ":/usr/local/bin:/usr/bin:/bin", "SLUICE_HOME": os.path.join(self.root, "home"),
                       "SLUICE_SYSTEMD_DIRECTORY": systemd}
        if foreground:
            environment["SLUICE_FOREGROUND"] = "1"
        return subprocess.run(["bash", SCRIPT], env=environment, cwd=self.root, capture_output=True, text=True, timeout=60)

    def calls(self, name):
        with open(self.called) as stream:
            return [line.split()[1:] for line in stream if line.startswith(name + " ")]

    def test_a_host_starts_what_is_in_the_bundle_and_stays(self):
        self.assertEqual(0, self.run_script().returncode)
        self.assertTrue(os.path.exists(os.path.join(self.root, "started")))
        self.assertEqual([], self.calls("shutdown"))

    def test_a_bundle_that_comes_late_is_waited_for(self):
        self.bundle("open('started', 'w').close()", failures=6)
        self.assertEqual(0, self.run_script().returncode)
        self.assertEqual([], self.calls("shutdown"))

    def test_a_host_whose_bundle_does_not_come_in_three_minutes_ends_itself(self):
        self.command("aws", "exit 1")
        result = self.run_script()
        self.assertEqual(1, result.returncode)
        self.assertIn("cannot be read", result.stderr)
        self.assertEqual([["-h", "now"]], self.calls("shutdown"))
        pauses = [int(seconds) for (seconds,) in self.calls("sleep")]
        self.assertEqual(180, sum(pauses))
        self.assertEqual(sorted(pauses), pauses)

    def test_a_host_whose_bundle_is_damaged_ends_itself(self):
        self.command("aws", 'echo damaged > "${@: -1}"')
        self.assertNotEqual(0, self.run_script().returncode)
        self.assertEqual([["-h", "now"]], self.calls("shutdown"))

    def test_a_host_whose_bootstrap_fails_ends_itself(self):
        self.bundle("raise SystemExit(3)")
        self.assertEqual(3, self.run_script().returncode)
        self.assertEqual([["-h", "now"]], self.calls("shutdown"))

    def test_a_process_on_somebody_elses_machine_only_ends(self):
        self.bundle("raise SystemExit(3)")
        for machine in ({"own_machine": True, "foreground": True}, {"own_machine": False}):
            with self.subTest(machine):
                self.assertEqual(3, self.run_script(**machine).returncode)
        self.command("id", "echo 1000")
        self.assertEqual(3, self.run_script().returncode)
        self.assertEqual([], self.calls("shutdown"))

    def test_no_other_machine_is_ended_when_the_bundle_does_not_come(self):
        self.command("aws", "exit 1")
        self.assertEqual(1, self.run_script(foreground=True).returncode)
        self.assertEqual([], self.calls("shutdown"))


if __name__ == "__main__":
    unittest.main()
