"""A cluster's hosts share archives of classes through S3; one that is late, damaged or missing costs a start nothing but the gain."""
import gzip
import io
import os
import shutil
import subprocess
import tempfile
import threading
import time
import tracemalloc
import unittest
import unittest.mock

from sluice_node import class_archives, classes
from sluice_node.class_archives import ArchiveError, SharedArchives
from sluice_node.flink import ProcessSpec
from sluice_node.s3 import S3Error

from .fakes import FakeS3

CONFIG = "s3://state/clusters/demo/e3/config/"
URI = "s3://state/clusters/demo/classes/jobmanager-1.jsa.gz"
CONTENT = b"parsed classes" * 100_000
JAVA = shutil.which("java")


class SharedArchivesTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.s3 = FakeS3({})
        self.shared = SharedArchives(self.s3, CONFIG)
        self.maker, self.fresh = (os.path.join(temporary.name, host, "jobmanager-1.jsa") for host in ("maker", "fresh"))
        for path in (self.maker, self.fresh):
            os.mkdir(os.path.dirname(path))
        with open(self.maker, "wb") as stream:
            stream.write(CONTENT)
        self.said = []
        self.stop = threading.Event()

    def files(self):
        return os.listdir(os.path.dirname(self.fresh))

    def test_a_fresh_host_of_any_epoch_has_what_another_has_stored(self):
        self.assertTrue(self.shared.store(self.maker))
        self.assertEqual([URI], list(self.s3.objects))
        self.assertTrue(SharedArchives(self.s3, CONFIG.replace("e3", "e4")).fetch(self.fresh))
        with open(self.fresh, "rb") as stream:
            self.assertEqual(CONTENT, stream.read())
        self.assertEqual(["jobmanager-1.jsa"], self.files())

    def test_one_that_is_there_is_not_packed_again_and_not_replaced(self):
        self.s3.put_new(URI, b"the first")
        with unittest.mock.patch("subprocess.run", side_effect=self.fail):
            self.assertFalse(self.shared.store(self.maker))
        with unittest.mock.patch.object(self.s3, "exists", return_value=False):  # Somebody is faster.
            self.assertFalse(self.shared.store(self.maker))
        self.assertEqual(b"the first", self.s3.objects[URI])

    def test_one_that_was_damaged_or_cut_off_is_refused_and_leaves_nothing(self):
        self.shared.store(self.maker)
        whole = self.s3.objects[URI]
        for damaged in (gzip.compress(b"something else"), whole[:-9], whole[:100], b"", b"no archive"):
            self.s3.objects[URI] = damaged
            self.assertFalse(self.shared.try_fetch(self.fresh, self.said.append))
            self.assertEqual([], self.files())
        self.assertEqual(5, len(self.said))
        self.assertRegex(self.said[0], "^no archive of classes from S3: .*jobmanager-1.jsa.gz is damaged")

    def test_what_is_too_large_to_be_one_is_given_up_before_it_fills_the_disk_or_the_memory(self):
        limits = unittest.mock.patch.multiple(class_archives, LARGEST_BYTES=3 << 20, BLOCK=1 << 20)
        for content, reason in ((gzip.compress(bytes(1 << 28)), "more than 3145728 bytes unpacked"),
                                (gzip.compress(b"") + bytes(1 << 26), "more follows after its end")):
            self.s3.objects.clear()
            self.s3.put_new(URI, content)
            tracemalloc.start()
            with limits:
                self.assertFalse(self.shared.try_fetch(self.fresh, self.said.append))
            self.assertLess(tracemalloc.get_traced_memory()[1], (1 << 25) + len(content))
            tracemalloc.stop()
            self.assertIn(reason, self.said[-1])
            self.assertEqual([], self.files())

    def test_one_that_hardly_comes_is_given_up(self):
        self.shared.store(self.maker)
        slow = io.BytesIO(self.s3.objects[URI])
        byte_by_byte = unittest.mock.MagicMock(read=self.fail, read1=lambda _: time.sleep(0.001) or slow.read(1))
        opened = unittest.mock.patch.object(self.s3, "open", return_value=(byte_by_byte, ""))
        with opened, unittest.mock.patch.object(class_archives, "FETCH_SECONDS", 0.01):
            self.assertFalse(self.shared.try_fetch(self.fresh, self.said.append))
        self.assertRegex(self.said[0], "not here after")
        self.assertEqual([], self.files())

    def test_one_whose_size_is_a_multiple_of_a_block_is_whole(self):
        for size in (1 << 20, 3 << 20, (3 << 20) + 1):
            with open(self.maker, "wb") as stream:
                stream.write(bytes(size))
            self.s3.objects.clear()
            self.shared.store(self.maker)
            self.assertTrue(self.shared.fetch(self.fresh))
            self.assertEqual(size, os.path.getsize(self.fresh))

    def test_a_boot_removes_what_one_that_was_killed_has_left(self):
        with open(os.path.join(os.path.dirname(self.fresh), ".classes-abc"), "wb"):
            self.shared.begin(self.fresh, self.said.append)()
        self.assertEqual([], self.files())

    def test_a_full_disk_costs_nothing_but_the_gain(self):
        self.shared.store(self.maker)
        with unittest.mock.patch("os.rename", side_effect=OSError(28, "No space left on device")):
            self.assertFalse(self.shared.try_fetch(self.fresh, self.said.append))
        self.assertRegex(self.said[0], "No space left on device")
        self.assertEqual([], self.files())

    def test_one_without_a_sha256_is_refused(self):
        self.s3.put(URI, gzip.compress(CONTENT))
        with self.assertRaisesRegex(ArchiveError, "None was stated"):
            self.shared.fetch(self.fresh)

    def test_none_is_nothing_to_speak_of(self):
        self.assertFalse(self.shared.try_fetch(self.fresh, self.said.append))
        self.assertEqual([], self.said)

    def test_a_boot_waits_for_it_while_it_may_come_in_time(self):
        self.shared.store(self.maker)
        self.shared.begin(self.fresh, self.said.append)()
        self.assertEqual(["jobmanager-1.jsa"], self.files())
        self.assertRegex(self.said[0], "MB of parsed classes from %s in" % URI)

    def test_a_boot_goes_on_without_one_that_is_late_and_the_next_start_has_it(self):
        self.shared.store(self.maker)
        come = threading.Event()
        late = unittest.mock.patch.object(self.s3, "get", side_effect=lambda uri: come.wait(30) and self.s3.objects[uri])
        with late, unittest.mock.patch.object(class_archives, "WAIT_SECONDS", 0.1):
            begun = time.monotonic()
            self.shared.begin(self.fresh, self.said.append)()
            self.assertLess(time.monotonic() - begun, 10)
            self.assertEqual([], self.files())
            self.assertRegex(self.said[0], "it is for the next start")
            come.set()
            self.shared.try_fetch(self.fresh, self.said.append)
        self.assertIn("jobmanager-1.jsa", self.files())

    def test_what_s3_does_not_take_is_stored_later(self):
        refuses = unittest.mock.patch.object(self.s3, "exists", side_effect=[S3Error("503", 503), False])
        with refuses, unittest.mock.patch.object(class_archives, "STORE_PAUSES", (0, 0.01)):
            self.shared.try_store(self.maker, self.said.append, self.stop)
        self.assertEqual(["the archive of classes is not stored: 503", "fresh hosts find the archive in " + URI], self.said)

    def test_a_node_that_ends_does_not_wait_to_store_it(self):
        self.stop.set()
        self.shared.try_store(self.maker, self.said.append, self.stop)
        self.assertEqual({}, self.s3.objects)

    @unittest.skipUnless(JAVA, "needs a java command")
    def test_of_hosts_that_were_launched_together_one_makes_it(self):
        jar = os.path.join(os.path.dirname(self.maker), "empty.jar")
        folder = os.path.join(os.path.dirname(self.maker), "in", "nothing")
        os.makedirs(folder)
        os.rename(shutil.make_archive(jar, "zip", os.path.dirname(folder)), jar)
        os.remove(self.maker)
        for path in (self.maker, self.fresh):
            spec = ProcessSpec("one", [JAVA, "-Xmx32m", "-XX:+UseSerialGC", "-cp", jar, "-version"], path + ".out", os.path.join(os.path.dirname(path), "tmp"),
                               classes=path)
            java, *options = spec.command_line()
            subprocess.run([java, *options], check=True, capture_output=True)
            classes.keep([spec], self.said.append, self.shared, steady=0).join(60)
        self.assertRegex("; ".join(self.said), "^the next start of one finds .*; fresh hosts find .*; .* MB of parsed classes from ")
        with open(self.maker, "rb") as made, open(self.fresh, "rb") as taken:
            self.assertEqual(made.read(), taken.read())
        # The host that took it starts with it.
        java, *options = spec.command_line()
        done = subprocess.run([java, "-Xlog:cds,class+path=info", *options], capture_output=True, text=True)
        self.assertIn(self.fresh, done.stdout)
        self.assertNotIn("mismatch", done.stdout)


if __name__ == "__main__":
    unittest.main()
