"""Flink and Java: from the image when it has them, else from the bucket, checked."""
import hashlib
import os
import platform
import subprocess
import tempfile
import unittest
import unittest.mock

from sluice_node import image

from .fakes import FakeS3

DISTRIBUTION = "s3://artifacts/flink/2.3.0/"


def archive(directory, files):
    tree = os.path.join(directory, "tree")
    for name in files:
        os.makedirs(os.path.join(tree, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(tree, name), "w") as stream:
            stream.write("#!/bin/sh\n")
        os.chmod(os.path.join(tree, name), 0o755)
    packed = os.path.join(directory, "packed.tar.gz")
    subprocess.run(["tar", "-czf", packed, "-C", tree, "."], check=True)
    with open(packed, "rb") as stream:
        return stream.read()


def stated(content):
    return (hashlib.sha256(content).hexdigest() + "  flink.tar.gz\n").encode()


class ImageTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = os.path.join(temporary.name, "home")
        os.makedirs(self.home)
        self.content = archive(temporary.name, ["bin/bash-java-utils.jar", "lib/flink-dist-2.3.0.jar"])
        self.uri = DISTRIBUTION + "flink.tar.gz"
        self.s3 = FakeS3({self.uri: self.content, self.uri + ".sha256": stated(self.content)})

    def find(self):
        return image.find_flink(self.home, "2.3.0", DISTRIBUTION, self.s3)

    def test_flink_comes_from_the_bucket_when_the_image_does_not_hold_it(self):
        found = self.find()
        self.assertEqual(os.path.join(self.home, "flink-2.3.0"), found)
        self.assertTrue(os.path.isfile(os.path.join(found, "lib", "flink-dist-2.3.0.jar")))

    def test_it_is_fetched_once(self):
        self.find()
        self.find()
        self.assertEqual([self.uri], self.s3.downloads)

    def test_the_image_is_preferred_to_the_bucket(self):
        own = os.path.join(self.home, "image", "flink-2.3.0")
        os.makedirs(os.path.join(own, "bin"))
        open(os.path.join(own, "bin", "bash-java-utils.jar"), "w").close()
        self.assertEqual(own, self.find())
        self.assertEqual([], self.s3.downloads)

    def test_an_image_that_is_a_link_is_known_by_what_it_leads_to(self):
        shared = os.path.join(os.path.dirname(self.home), "shared")
        os.makedirs(os.path.join(shared, "bin"))
        open(os.path.join(shared, "bin", "bash-java-utils.jar"), "w").close()
        os.mkdir(os.path.join(self.home, "image"))
        os.symlink(shared, os.path.join(self.home, "image", "flink-2.3.0"))
        self.assertEqual(shared, self.find())

    def test_a_home_that_is_a_link_gives_the_same_at_the_first_boot_and_at_the_next(self):
        self.s3.objects.update({self.uri: self.content, self.uri + ".sha256": stated(self.content)})
        link = self.home + "-link"
        os.symlink(self.home, link)
        self.home = link
        self.assertEqual(self.find(), self.find())

    def test_an_archive_that_differs_from_its_checksum_is_refused_and_leaves_nothing(self):
        self.s3.objects[self.uri] = self.content[:-10] + b"0123456789"
        with self.assertRaisesRegex(image.ImageError, "flink.tar.gz is damaged"):
            self.find()
        self.assertEqual([], os.listdir(self.home))

    def test_what_its_packer_kept_to_himself_is_the_nodes_and_can_be_read(self):
        with tempfile.TemporaryDirectory() as directory:
            os.makedirs(os.path.join(directory, "tree"), 0o700)
            os.chmod(os.path.join(directory, "tree"), 0o700)
            archive(directory, ["bin/bash-java-utils.jar"])
            os.chmod(os.path.join(directory, "tree", "bin", "bash-java-utils.jar"), 0o600)
            packed = os.path.join(directory, "packed.tar.gz")
            subprocess.run(["tar", "-czf", packed, "--owner=4711", "--group=4711", "-C", os.path.join(directory, "tree"), "."], check=True)
            with open(packed, "rb") as stream:
                content = stream.read()
        self.s3.objects.update({self.uri: content, self.uri + ".sha256": stated(content)})
        found = [os.stat(os.path.join(self.find(), path)) for path in (".", "bin", "bin/bash-java-utils.jar")]
        self.assertEqual([0o755, 0o755, 0o644], [one.st_mode & 0o777 for one in found])
        self.assertEqual({os.geteuid()}, {one.st_uid for one in found})

    def test_an_archive_without_a_checksum_is_refused(self):
        self.s3.objects[self.uri + ".sha256"] = b""
        with self.assertRaisesRegex(image.ImageError, "nothing was stated"):
            self.find()

    def test_an_archive_that_is_whole_but_no_archive_is_refused(self):
        self.s3.objects.update({self.uri: b"not a tar", self.uri + ".sha256": stated(b"not a tar")})
        with self.assertRaisesRegex(image.ImageError, "cannot be unpacked"):
            self.find()
        self.assertEqual([], os.listdir(self.home))

    def test_java_comes_from_the_bucket_for_this_architecture_when_the_machine_has_none(self):
        with tempfile.TemporaryDirectory() as directory:
            content = archive(directory, ["bin/java"])
        uri = DISTRIBUTION + "java-%s.tar.gz" % platform.machine()
        self.s3.objects.update({uri: content, uri + ".sha256": stated(content)})
        with unittest.mock.patch.dict("os.environ"), unittest.mock.patch("shutil.which", return_value=None):
            os.environ.pop("JAVA_HOME", None)
            found = image.find_java(self.home, DISTRIBUTION, self.s3)
        self.assertEqual(os.path.join(self.home, "java", "bin", "java"), found)
        self.assertTrue(os.access(found, os.X_OK))
