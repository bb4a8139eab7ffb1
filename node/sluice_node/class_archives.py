"""
Archives of classes (classes.py) that the hosts of a cluster share in S3: a fresh host's first start is as quick as the next start of the host that made it.

An archive is code, so it lies below the cluster's own prefix, where only the cluster's nodes and the control plane write; not below an epoch's, because the
hosts of the next one shall find it. It goes when the cluster is terminated. One that is there is never replaced, and one that fits nobody has a name that
nobody asks for (flink.archive_path).
"""
import hashlib
import os
import subprocess
import tempfile
import threading
import time
import zlib

from .s3 import S3Error
from .supervisor import end_with_parent

# It saves a start one to three seconds, so nobody waits longer for it; what comes later serves the next start.
WAIT_SECONDS = 3
# Pauses before each try to store one.
STORE_PAUSES = (0, 30, 300)
BLOCK = 1 << 20


class ArchiveError(Exception):
    """What is stored is not what was stored there."""


class SharedArchives:
    """`config`: the s3://…/clusters/<cluster>/e<epoch>/config/ of a node."""

    def __init__(self, s3, config):
        self._s3 = s3
        self._prefix = config.rstrip("/").rsplit("/", 2)[0] + "/classes/"

    def uri(self, path):
        return self._prefix + os.path.basename(path) + ".gz"

    def begin(self, path, say):
        """
        Fetches beside what else a boot does. Returns a function that waits for it, but no longer than WAIT_SECONDS from now on.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        thread = threading.Thread(target=self.try_fetch, args=(path, say), name="class archive", daemon=True)
        thread.start()

        def wait():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                say("the archive of classes is not here after %d s: it is for the next start" % WAIT_SECONDS)

        return wait

    def try_fetch(self, path, say):
        """Whether the archive is at `path` now."""
        if os.path.exists(path):
            return True
        started = time.monotonic()
        try:
            if not self.fetch(path):
                return False
        except Exception as error:  # noqa: BLE001  (a process starts without an archive too)
            say("no archive of classes from S3: %s" % error)
            return False
        say("%.0f MB of parsed classes from %s in %.2f s" % (os.path.getsize(path) / 1e6, self.uri(path), time.monotonic() - started))
        return True

    def fetch(self, path):
        """
        Puts what is stored at `path`, whole or not at all: the JVM would not notice damage. False when nothing is stored. Raises S3Error, ArchiveError.
        """
        try:
            source, stated = self._s3.open(self.uri(path))
        except S3Error as error:
            if error.status == 404:
                return False
            raise
        descriptor, temporary = tempfile.mkstemp(prefix=".classes-", dir=os.path.dirname(path))
        digest, unpack = hashlib.sha256(), zlib.decompressobj(wbits=31)
        try:
            with source, os.fdopen(descriptor, "wb") as target:
                for block in iter(lambda: source.read(BLOCK), b""):
                    digest.update(block)
                    target.write(unpack.decompress(block))
            if digest.hexdigest() != stated or not unpack.eof:
                raise ArchiveError("%s is damaged: its SHA-256 is %s, %s was stated" % (self.uri(path), digest.hexdigest(), stated))
            os.rename(temporary, path)
            return True
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)

    def try_store(self, path, say, stop):
        for pause in STORE_PAUSES:
            if stop.wait(pause):
                return
            try:
                if self.store(path):
                    say("fresh hosts find the archive in %s" % self.uri(path))
                return
            except Exception as error:  # noqa: BLE001  (this host has it)
                say("the archive of classes is not stored: %s" % error)

    def store(self, path):
        """Whether it is stored now and was not before. Packed while no other process wants the core. Raises S3Error, CalledProcessError."""
        if self._s3.exists(self.uri(path)):
            return False
        parent = os.getpid()
        packed = subprocess.run(["gzip", "-1", "-n", "-c", path], stdin=subprocess.DEVNULL, capture_output=True, check=True,
                                preexec_fn=lambda: (end_with_parent(parent), os.nice(19)))
        return self._s3.put_new(self.uri(path), packed.stdout)
