"""The archive of a process's classes: made once beside the process, used by its next start. With real Java."""
import os
import shutil
import subprocess
import tempfile
import threading
import unittest
import unittest.mock
from dataclasses import replace

from sluice_node import classes
from sluice_node.flink import ProcessSpec

JAVA, JAVAC = shutil.which("java"), shutil.which("javac")

# Loads a class of another jar with a loader of its own, as Flink does with its RPC system and its plugins.
HOST = """
public class Host {
  public static void main(String[] args) throws Exception {
    var jar = new java.io.File(args[0]).toURI().toURL();
    var loader = new java.net.URLClassLoader(new java.net.URL[] {jar});
    ((Runnable) loader.loadClass("Guest").getConstructor().newInstance()).run();
  }
}
"""
GUEST = """
public class Guest implements Runnable {
  public void run() {
    System.out.println("guest of " + getClass().getClassLoader().getClass().getSimpleName());
  }
}
"""


@unittest.skipUnless(JAVA, "needs a java command")
class ClassesTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = temporary.name
        # A program on a class path, as short as can be had without a compiler: the archive takes jars only.
        self.jar = os.path.join(self.home, "empty.jar")
        shutil.make_archive(os.path.join(self.home, "empty"), "zip", self._folder("in"))
        os.rename(os.path.join(self.home, "empty.zip"), self.jar)
        self.spec = self._spec([JAVA, "-Xmx32m", "-XX:+UseSerialGC", "-cp", self.jar, "-version"])

    def _folder(self, name):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.join(path, "nothing"))
        return path

    def _spec(self, command):
        return ProcessSpec("one", command, os.path.join(self.home, "one.out"), os.path.join(self.home, "tmp"),
                           classes=os.path.join(self.home, "classes.jsa"))

    def _run(self, spec, *more):
        java, *options = spec.command_line()
        return subprocess.run([java, *more, *options], capture_output=True, text=True)

    def test_the_next_start_uses_what_the_first_has_loaded(self):
        self.assertEqual(0, self._run(self.spec).returncode)
        self.assertTrue(os.path.getsize(self.spec.class_list()) > 0)
        said = []
        classes.keep([self.spec], said.append, steady=0).join(60)
        self.assertEqual(["the next start of one finds its classes in an archive"], said)
        done = self._run(self.spec, "-Xlog:cds,class+path=info")
        self.assertEqual(0, done.returncode)
        self.assertIn(self.spec.classes, done.stdout)
        self.assertEqual([], [name for name in os.listdir(self.home) if name.endswith(".new")])

    def test_one_that_a_process_does_not_start_with_is_neither_kept_nor_shared(self):
        self._run(self.spec)
        java = os.path.join(self.home, "java")
        with open(java, "w") as script:
            script.write('#!/bin/sh\n%s "$@" || exit\ncase "$*" in *-Xshare:dump*) truncate -s 100000 "%s.new" ;; esac\n' % (JAVA, self.spec.classes))
        os.chmod(java, 0o755)
        said, shared = [], unittest.mock.Mock(try_fetch=lambda *_: False)
        classes.keep([replace(self.spec, command=[java, *self.spec.command[1:]])], said.append, shared, steady=0).join(60)
        self.assertRegex(said[0], "^no archive of one's classes: the one that was made is of no use")
        shared.try_store.assert_not_called()
        self.assertEqual([], [name for name in os.listdir(self.home) if ".jsa" in name and not name.endswith(".names")])

    def test_one_is_on_the_disk_before_it_has_its_name_and_one_that_is_there_before_it_is_shared(self):
        done = []
        self._run(self.spec)
        shared = unittest.mock.Mock(try_fetch=lambda *_: False, try_store=lambda *_: done.append("shared"))
        synced = unittest.mock.patch("os.fsync", side_effect=lambda _: done.append(os.path.exists(self.spec.classes)))
        with synced:
            for _ in range(2):
                classes.keep([self.spec], print, shared, steady=0).join(60)
        self.assertEqual([False, "shared", True, "shared"], done)

    def _compiled(self, name, source):
        folder = self._folder(name)
        with open(os.path.join(folder, name + ".java"), "w") as stream:
            stream.write(source)
        subprocess.run([JAVAC, name + ".java"], cwd=folder, check=True, capture_output=True)
        jar = os.path.join(self.home, name + ".jar")
        os.rename(shutil.make_archive(jar[:-len(".jar")], "zip", folder), jar)
        return jar

    @unittest.skipUnless(JAVAC, "needs a javac command")
    def test_classes_of_other_loaders_are_in_it_too(self):
        host, guest = self._compiled("Host", HOST), self._compiled("Guest", GUEST)
        spec = self._spec([JAVA, "-Xmx32m", "-XX:+UseSerialGC", "-cp", host, "Host", guest])
        self.assertEqual("guest of URLClassLoader\n", self._run(spec).stdout)
        self.assertEqual((True, ""), classes.dump(spec))
        said = self._run(spec, "-Xlog:class+load:stdout:none").stdout.splitlines()
        expected = {"Host source: shared objects file", "Guest source: shared objects file", "guest of URLClassLoader"}
        self.assertEqual(set(), expected - set(said))

    @unittest.skipUnless(JAVAC, "needs a javac command")
    def test_a_class_that_is_not_the_archived_one_is_the_one_that_counts(self):
        host, guest = self._compiled("Host", HOST), self._compiled("Guest", GUEST)
        spec = self._spec([JAVA, "-Xmx32m", "-XX:+UseSerialGC", "-cp", host, "Host", guest])
        self._run(spec)
        self.assertEqual((True, ""), classes.dump(spec))
        shutil.rmtree(os.path.join(self.home, "Guest"))
        self._compiled("Guest", GUEST.replace("guest of", "GUEST of"))
        self.assertEqual("GUEST of URLClassLoader\n", self._run(spec).stdout)

    def test_a_java_that_refuses_classes_of_other_loaders_archives_those_of_its_own(self):
        picky = os.path.join(self.home, "picky")
        with open(picky, "w") as stream:
            stream.write("""#!/bin/sh
for option in "$@"; do case "$option" in
  -XX:SharedClassListFile=*) grep -q source: "${option#*=}" && exit 1 ;;
  -XX:SharedArchiveFile=*) made="${option#*=}" ;;
esac; done
touch "$made"
""")
        os.chmod(picky, 0o755)
        spec = self._spec([picky, "-cp", self.jar])
        for path, lines in ((spec.class_list(), ["java/lang/Object"]), (spec.class_log(), [
                "java.lang.Object source: jrt:/java.base", " klass: 0x1 super: 0x0 loader: [loader data: 0x9 of 'bootstrap']",
                "Guest source: file:/guest.jar", " klass: 0x2 super: 0x1 loader: [loader data: 0x8 for instance a 'Its'{0x7}]"])):
            with open(path, "w") as stream:
                stream.writelines(line + "\n" for line in lines)
        self.assertEqual((True, ""), classes.dump(spec))
        with open(spec.classes + ".names") as stream:
            self.assertEqual("java/lang/Object\n", stream.read())

    def test_a_class_is_told_by_what_is_above_it_and_left_out_where_that_is_not_known(self):
        listed = ["# a comment\n", "java/lang/Object\n", "@lambda-form-invoker x\n", "java/lang/Runnable\n", "java/lang/Object\n"]
        own, other = "loader: [loader data: 0x9 of 'bootstrap']\n", "loader: [loader data: 0x8 for instance a 'org/Its'{0x7}]\n"
        app = "loader: [loader data: 0x6 for instance a 'jdk/internal/loader/ClassLoaders$AppClassLoader'{0x5}]\n"
        loaded = [
            "java.lang.Object source: shared objects file\n", " klass: 0x1 super: 0x0 " + own,
            "java.lang.Runnable source: jrt:/java.base\n", " klass: 0x2 super: 0x1 " + own,
            "org.Unlisted source: file:/app.jar\n", " klass: 0x3 super: 0x1 " + app,
            "org.A source: file:/a.jar\n", " klass: 0x4 super: 0x1 interfaces: 0x2 " + other,
            "org.B source: file:/a.jar\n", " klass: 0x5 super: 0x4 " + other + "and a word of something else\n",
            "org.OfUnlisted source: file:/a.jar\n", " klass: 0x6 super: 0x3 " + other,
            "org.Proxy source: __dynamic_proxy__\n", " klass: 0x7 super: 0x1 " + other,
            "org.InFolder source: file:/classes/\n", " klass: 0x8 super: 0x1 " + other,
            "org.A source: file:/again.jar\n", " klass: 0x9 super: 0x1 " + other,
        ]
        self.assertEqual([
            "# a comment\n", "java/lang/Object id: 1\n", "@lambda-form-invoker x\n", "java/lang/Runnable id: 2\n",
            "org/A id: 3 super: 1 interfaces: 2 source: /a.jar\n", "org/B id: 4 super: 3 source: /a.jar\n",
        ], classes.of_all_loaders(listed, loaded))

    def test_it_is_made_when_the_process_works_and_has_loaded_what_it_needs(self):
        spec = replace(self.spec, working_class="its/Work")
        idle = ["java/lang/Object"] * 100
        looks = iter([idle, idle, [*idle, "its/Work", *idle], [*idle, "its/Work", *idle, "one/More"], ["too late"]])

        class Looks:
            def wait(self, _seconds):
                with open(spec.class_list(), "w") as stream:
                    stream.writelines(line + "\n" for line in next(looks))
                return False

        self.assertEqual(spec, classes._settled([spec], 60, Looks()))
        self.assertEqual(["too late"], next(looks))

    def test_of_the_processes_of_a_host_the_first_that_has_what_it_needs_makes_it_for_all(self):
        spare, busy = (replace(self.spec, name=name, scratch=os.path.join(self.home, name, "tmp"), working_class="its/Work") for name in ("spare", "busy"))
        for spec, listed in ((spare, "java/lang/Object\n"), (busy, "java/lang/Object\nits/Work\n")):
            os.makedirs(spec.scratch)
            with open(spec.class_list(), "w") as stream:
                stream.write(listed)
        self.assertEqual(busy, classes._settled([spare, busy], 0, threading.Event()))

    def test_an_archive_that_is_damaged_or_of_another_class_path_keeps_no_process_from_starting(self):
        for content in (b"", b"damaged" * 1000):
            with open(self.spec.classes, "wb") as stream:
                stream.write(content)
            self.assertEqual(0, self._run(self.spec).returncode)
        os.remove(self.spec.classes)
        self._run(self.spec)
        self.assertEqual((True, ""), classes.dump(self.spec))
        os.utime(self.jar, (1, 1))
        self.assertEqual(0, self._run(self.spec).returncode)

    def test_no_archive_is_said_and_leaves_the_process_as_it_is(self):
        said = []
        with open(self.spec.class_list(), "w"):
            pass  # A list, and no log.
        classes.keep([self.spec], said.append, steady=0).join(60)
        self.assertRegex(said[0], "no archive of one's classes: .*classes.log")
        refuses = os.path.join(self.home, "java")
        with open(refuses, "w") as stream:
            stream.write("#!/bin/sh\necho no such option >&2\nexit 1\n")
        os.chmod(refuses, 0o755)
        spec = self._spec([refuses, "-cp", self.jar])
        for path in (spec.class_list(), spec.class_log()):
            with open(path, "w") as stream:
                stream.write("java/lang/Object\n")
        self.assertEqual((False, "no such option"), classes.dump(spec))
        self.assertFalse(os.path.exists(spec.classes))

    def test_a_node_that_ends_before_has_none(self):
        stop = threading.Event()
        thread = classes.keep([self.spec], self.fail, steady=60, stop=stop)
        stop.set()
        thread.join(5)
        self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
