"""Where Flink and Java come from: the machine image when it holds them, else one checked archive each from the artifact bucket."""
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile


class ImageError(Exception):
    """Flink or Java is neither in the image nor, unharmed, in the bucket."""


def find_flink(home, version, distribution, s3):
    """Directory with bin/, lib/, opt/ and plugins/ of a Flink version."""
    for candidate in (os.path.join(home, "image", "flink-" + version), os.path.join(home, "flink-" + version)):
        if os.path.isfile(os.path.join(candidate, "bin", "bash-java-utils.jar")):
            # An archive of classes names its jars: a link may have another name on each host, what it leads to has one.
            return os.path.realpath(candidate)
    return os.path.realpath(fetch(s3, distribution + "flink.tar.gz", os.path.join(home, "flink-" + version)))


def find_java(home, distribution, s3):
    """Path of a `java` command: JAVA_HOME, the image, the PATH, else the bucket's runtime for this architecture."""
    runtime = os.path.join(home, "java")
    homes = [os.environ.get("JAVA_HOME"), os.path.join(home, "image", "java"), runtime]
    for candidate in homes:
        if candidate and os.access(os.path.join(candidate, "bin", "java"), os.X_OK):
            return os.path.join(candidate, "bin", "java")
    on_path = shutil.which("java")
    if on_path:
        return on_path
    fetch(s3, distribution + "java-%s.tar.gz" % platform.machine(), runtime)
    return os.path.join(runtime, "bin", "java")


def fetch(s3, uri, target):
    """
    Unpacks the archive at `uri` into `target`, after its SHA-256 was compared with the object `<uri>.sha256`.
    Raises ImageError when they differ; `target` appears complete or not at all.
    """
    wanted = s3.get(uri + ".sha256").decode().split()[:1]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    work = tempfile.mkdtemp(prefix=".fetch-", dir=os.path.dirname(target))
    try:
        archive = os.path.join(work, "archive")
        s3.download(uri, archive)
        found = sha256_of(archive)
        if [found] != wanted:
            raise ImageError("%s is damaged: its SHA-256 is %s, %s was stated" % (uri, found, (wanted or ["nothing"])[0]))
        unpacked = os.path.join(work, "tree")
        os.mkdir(unpacked)
        # tar, not tarfile: it keeps times and is three times as fast. Whoever packed it may have a number here that is another's, and have
        # kept it to himself.
        for command in (["tar", "-xzf", archive, "-C", unpacked, "--no-same-owner"], ["chmod", "-R", "u+rwX,go=rX", unpacked]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise ImageError("%s cannot be unpacked: %s" % (uri, done.stderr.strip()[-500:]))
        os.rename(unpacked, target)
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
