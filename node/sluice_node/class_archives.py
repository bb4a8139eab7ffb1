"""
Archives of classes (classes.py) that the hosts of a cluster share in S3: a fresh host's first start is as quick as the next start of the host that made it.

An archive is code, so it lies below the cluster's own prefix, where only the cluster's nodes and the control plane write; not below an epoch's, because the
hosts of the next one shall find it. It goes when the cluster is terminated. One that is there is never replaced, and one that fits nobody has a name that
nobody asks for (flink.archive_path).
"""
import contextlib
import glob
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
# Four times what one of Flink's processes has; whatever is stored there, it fills no disk.
LARGEST_BYTES = 1 << 29
# Whoever fetches for so long makes its own sooner.
FETCH_SECONDS = 120
BLOCK = 1 << 20
TEMPORARY = ".classes-"


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
        _remove_leftovers(os.path.dirname(path))
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
        with source:
            descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(path))
            try:
                with os.fdopen(descriptor, "wb") as target:
                    found, whole = _unpack(source, target)
                if found != stated or not whole:
                    raise ArchiveError("%s is damaged: its SHA-256 is %s, %s was stated" % (self.uri(path), found, stated))
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
        with open(path, "rb") as source:  # By this thread, which may have fewer rights than a process that it starts.
            packed = subprocess.run(["gzip", "-1", "-n", "-c"], stdin=source, capture_output=True, check=True,
                                    preexec_fn=lambda: (end_with_parent(parent), os.nice(19)))
        return self._s3.put_new(self.uri(path), packed.stdout)


def _unpack(source, target):
    """The SHA-256 of what was read, and whether it was one gzip stream to its end. Raises ArchiveError for what is too large or too slow to be an archive."""
    digest, unpack = hashlib.sha256(), zlib.decompressobj(wbits=31)
    until = time.monotonic() + FETCH_SECONDS
    # Not `read`, which waits until a block is full, however slowly it fills.
    for block in iter(lambda: source.read1(BLOCK), b""):
        digest.update(block)
        part = None
        while part is None or len(part) == BLOCK:  # A block may unpack to a thousand times its size.
            part = unpack.decompress(block, BLOCK)
            target.write(part)
            block = unpack.unconsumed_tail
            if target.tell() > LARGEST_BYTES:
                raise ArchiveError("it has more than %d bytes unpacked" % LARGEST_BYTES)
        if unpack.unused_data:
            raise ArchiveError("more follows after its end")
        if time.monotonic() > until:
            raise ArchiveError("it was not here after %d s" % FETCH_SECONDS)
    return digest.hexdigest(), unpack.eof


def _remove_leftovers(directory):
    """Of a node that was killed while it fetched."""
    for path in glob.glob(os.path.join(glob.escape(directory), TEMPORARY + "*")):
        with contextlib.suppress(OSError):
            os.remove(path)
