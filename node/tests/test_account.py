"""The user that Flink's processes run as. What needs two users runs for real where the tests run as root."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import types
import unittest
import unittest.mock
from pathlib import Path

from sluice_node import account, classes
from sluice_node.account import VARIABLE, Account, AccountError
from sluice_node.flink import ProcessSpec

from .test_supervisor import NODE, alive, wait_for

JAVA = shutil.which("java")
NOBODY = "nobody"
# As the bootstrap makes it: argv[1] is its directory, argv[2] the command.
PROGRAM = """
import os, sys
from sluice_node import account
from sluice_node.flink import ProcessSpec
from sluice_node.supervisor import Supervisor
home, owner = sys.argv[1], account.of_flink()
for part in ("log", "work"):
    owner.own(os.path.join(home, part))
spec = ProcessSpec("p", ["bash", "-c", sys.argv[2]], os.path.join(home, "log", "p.out"), os.path.join(home, "work", "tmp"), {"HERE": home}, account=owner)
Supervisor([spec], lambda children: print(children[0].process and children[0].process.pid, flush=True)).run()
"""


class OfFlinkTest(unittest.TestCase):
    def of_flink(self, name, run=None, uid=0):
        with unittest.mock.patch.dict(os.environ, {VARIABLE: name}), unittest.mock.patch("os.geteuid", return_value=uid):
            return account.of_flink(run)

    def test_flink_runs_as_whoever_runs_the_node_where_no_user_is_named(self):
        self.assertEqual(Account(), self.of_flink("", uid=1000))
        self.assertEqual({}, Account().process())

    def test_flink_runs_as_root_only_where_root_is_named(self):
        with self.assertRaisesRegex(AccountError, "SLUICE_FLINK_USER is not set"):
            self.of_flink("", self.fail)
        self.assertEqual(Account(), self.of_flink("root", self.fail))

    def test_a_user_that_is_there_is_used(self):
        entry = pwd.getpwnam(NOBODY)
        found = self.of_flink(NOBODY)
        self.assertEqual({"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}, found.process())

    def test_a_user_that_is_missing_is_made_without_a_home_and_without_a_shell(self):
        entry = types.SimpleNamespace(pw_uid=987, pw_gid=986)
        run = unittest.mock.Mock(return_value=types.SimpleNamespace(returncode=0))
        with unittest.mock.patch("pwd.getpwnam", side_effect=lambda _: entry if run.called else {}[0]):
            self.assertEqual(Account(987, 986), self.of_flink("flink", run))
        command = run.call_args.args[0]
        self.assertEqual(("useradd", "flink"), (command[0], command[-1]))
        self.assertTrue({"--system", "--user-group", "--no-create-home", "/sbin/nologin"} <= set(command))

    def test_why_a_user_cannot_be_made_is_said(self):
        run = unittest.mock.Mock(return_value=types.SimpleNamespace(returncode=1, stderr="useradd: cannot lock /etc/passwd; try again later.\n"))
        with self.assertRaisesRegex(AccountError, "the user no-such-user cannot be made: useradd: cannot lock /etc/passwd"):
            self.of_flink("no-such-user", run)

    def test_a_node_that_is_not_root_can_run_flink_as_itself_only(self):
        self.assertEqual(Account(), self.of_flink(NOBODY, uid=pwd.getpwnam(NOBODY).pw_uid))
        with self.assertRaisesRegex(AccountError, "only root can run Flink as nobody"):
            self.of_flink(NOBODY, uid=1000)
        with self.assertRaisesRegex(AccountError, "there is no user no-such-user"):
            self.of_flink("no-such-user", self.fail, uid=1000)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class TwoUsersTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = temporary.name
        os.chmod(self.home, 0o755)
        entry = pwd.getpwnam(NOBODY)
        self.account = Account(entry.pw_uid, entry.pw_gid)
        self.secret = self.write("secret", "root's own\n", 0o600)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as stream:
            stream.write(text)
        os.chmod(path, mode)
        return path

    def owner(self, *path):
        return os.lstat(os.path.join(self.home, *path)).st_uid

    @unittest.skipUnless(shutil.which("useradd"), "needs useradd")
    def test_useradd_makes_the_user_that_is_asked_for(self):
        for name in ("passwd", "shadow", "group", "gshadow"):
            self.write("etc/" + name, "", 0o600)
        run = unittest.mock.Mock(return_value=types.SimpleNamespace(returncode=0))
        with unittest.mock.patch.dict(os.environ, {VARIABLE: "no-such-user"}), self.assertRaisesRegex(AccountError, "there is no user no-such-user"):
            account.of_flink(run)
        command = run.call_args.args[0]
        subprocess.run([command[0], "--prefix", self.home, *command[1:]], check=True, capture_output=True)
        with open(os.path.join(self.home, "etc", "passwd")) as stream:
            name, _, uid, _, _, home, shell = stream.read().strip().split(":")
        self.assertEqual(("no-such-user", "/sbin/nologin"), (name, shell))
        self.assertTrue(0 < int(uid) < 1000)
        self.assertFalse(os.path.exists(self.home + home))

    def test_what_root_left_is_handed_over_once_and_what_links_lead_to_is_not(self):
        self.write("state/db/000001.sst", "x", 0o600)
        os.symlink(self.secret, os.path.join(self.home, "state", "link"))
        state = os.path.join(self.home, "state")
        self.account.own(state)
        self.assertEqual([self.account.uid] * 4, [self.owner("state", *part) for part in ((), ("db",), ("db", "000001.sst"), ("link",))])
        self.assertEqual(0, self.owner("secret"))
        self.write("state/later", "x")
        self.account.own(state)
        self.assertEqual(0, self.owner("state", "later"))

    def test_a_hand_over_that_breaks_off_is_done_again(self):
        self.write("state/db/000001.sst", "x")
        state = os.path.join(self.home, "state")
        with unittest.mock.patch("os.chown", side_effect=[None, OSError("the host stops")]), self.assertRaises(OSError):
            self.account.own(state)
        self.account.own(state)
        self.assertEqual([self.account.uid] * 2, [self.owner("state"), self.owner("state", "db", "000001.sst")])

    def test_root_goes_no_further_in_a_directory_of_the_user_than_the_user_can(self):
        others = []
        with self.account.files():
            with self.assertRaises(PermissionError):
                open(self.secret, "a")
            with self.assertRaises(PermissionError):
                os.mkdir(os.path.join(self.home, "new"))
            theirs = threading.Thread(target=lambda: others.append(os.access(self.secret, os.R_OK) and self.readable()))
            theirs.start()
            theirs.join()
        self.assertEqual([False], others)
        self.assertTrue(self.readable())

    def readable(self):
        try:
            with open(self.secret) as stream:
                return bool(stream.read())
        except PermissionError:
            return False

    def test_a_thread_that_was_there_before_keeps_its_rights(self):
        go, seen = threading.Event(), []
        thread = threading.Thread(target=lambda: (go.wait(), seen.append(self.readable())))
        thread.start()
        with self.account.files():
            go.set()
            thread.join()
        self.assertEqual([True], seen)

    def start(self, command, **options):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, self.home, command], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "PYTHONPATH": NODE, VARIABLE: NOBODY}, **options)

        def end():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        return process, int(process.stdout.readline())

    def test_a_process_runs_as_the_user_with_none_of_roots_groups_and_writes_where_it_may(self):
        _, pid = self.start('id -u; id -G; ulimit -n; touch tmp/no "$HERE/no" "$HERE/work/kept" "$HERE/log/p.log"; cat "$HERE/secret"; echo done; exec sleep 100')
        output = os.path.join(self.home, "log", "p.out")
        wait_for(lambda: "done\n" in Path(output).read_text())
        lines = Path(output).read_text().splitlines()
        most = subprocess.run(["bash", "-c", "ulimit -n"], capture_output=True, text=True).stdout.strip()
        self.assertEqual([str(self.account.uid), str(self.account.gid), most], lines[:3])
        self.assertEqual(2, sum("Permission denied" in line for line in lines))  # Its home's new file, and the secret.
        self.assertEqual([self.account.uid] * 3, [self.owner(*path) for path in (("work", "kept"), ("work", "tmp"), ("log", "p.out"))])
        self.assertEqual(self.account.uid, os.stat("/proc/%d" % pid).st_uid)

    def test_it_is_started_again_and_outlives_its_supervisor_no_more_than_root_would(self):
        supervisor, pid = self.start("exec sleep 100")
        os.kill(pid, 9)
        again = int(supervisor.stdout.readline())
        self.assertTrue(again != pid and alive(again))
        supervisor.kill()
        wait_for(lambda: not alive(again))

    def test_output_that_a_job_has_led_elsewhere_is_neither_written_nor_cut(self):
        supervisor, _ = self.start('rm "$HERE/log/p.out"; ln -s "$HERE/secret" "$HERE/log/p.out"; exit 1', stderr=subprocess.DEVNULL)
        self.assertNotEqual(0, supervisor.wait(30))
        with open(self.secret) as stream:
            self.assertEqual("root's own\n", stream.read())

    @unittest.skipUnless(JAVA, "needs a java command")
    def test_the_archive_of_classes_is_made_by_the_user(self):
        for part in ("p", "classes"):
            self.account.own(os.path.join(self.home, part))
        jar = shutil.make_archive(os.path.join(self.home, "empty"), "zip", os.path.dirname(self.write("in/nothing", "")))
        os.rename(jar, jar[:-len("zip")] + "jar")
        spec = ProcessSpec("p", [JAVA, "-Xmx32m", "-XX:+UseSerialGC", "-cp", os.path.join(self.home, "empty.jar"), "-version"], os.path.join(self.home, "p.out"),
                           os.path.join(self.home, "p", "tmp"), classes=os.path.join(self.home, "classes", "p.jsa"), account=self.account)
        subprocess.run(spec.command_line(), check=True, capture_output=True, **self.account.process())
        said = []
        classes.keep([spec], said.append, steady=0).join(60)
        self.assertEqual(["the next start of p finds its classes in an archive"], said)
        self.assertEqual(self.account.uid, self.owner("classes", "p.jsa"))


if __name__ == "__main__":
    unittest.main()
