"""The archive of a process's classes: made once beside the process, used by its next start. With real Java."""
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from sluice_node import classes
from sluice_node.flink import ProcessSpec

JAVA = shutil.which("java")


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
        classes.keep(self.spec, said.append, after=0).join(60)
        self.assertEqual(["the next start of one finds its classes in an archive"], said)
        done = self._run(self.spec, "-Xlog:cds,class+path=info")
        self.assertEqual(0, done.returncode)
        self.assertIn(self.spec.classes, done.stdout)
        self.assertEqual([], [name for name in os.listdir(self.home) if name.endswith(".new")])

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
        classes.keep(self.spec, said.append, after=0).join(60)  # No start, so no list.
        self.assertRegex(said[0], "no archive of one's classes: .*classes.jsa.list")
        refuses = os.path.join(self.home, "java")
        with open(refuses, "w") as stream:
            stream.write("#!/bin/sh\necho no such option >&2\nexit 1\n")
        os.chmod(refuses, 0o755)
        spec = self._spec([refuses, "-cp", self.jar])
        with open(spec.class_list(), "w") as stream:
            stream.write("java/lang/Object\n")
        self.assertEqual((False, "no such option"), classes.dump(spec))
        self.assertFalse(os.path.exists(spec.classes))

    def test_a_node_that_ends_before_has_none(self):
        stop = threading.Event()
        thread = classes.keep(self.spec, self.fail, after=60, stop=stop)
        stop.set()
        thread.join(5)
        self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
