"""How a JobManager and a TaskManager are started: what Flink's shell scripts do, without the shell scripts."""
import hashlib
import json
import os
import platform
import shutil
import subprocess
import zipfile
from dataclasses import dataclass, field, replace

from .account import Account

JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"

# Flink's own list for Java 17 (`env.java.opts.all` in the config.yaml of its distribution), without the Java compiler's modules, which a runtime
# without a compiler does not have.
MODULES = [
    *("--add-exports=%s=ALL-UNNAMED" % name for name in (
        "java.base/sun.net.util", "java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5")),
    *("--add-opens=java.base/%s=ALL-UNNAMED" % name for name in (
        "java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time", "java.util",
        "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks")),
]


class FlinkError(Exception):
    """Flink's own tools refuse the configuration; the message is theirs."""


@dataclass
class Installation:
    """A Flink image, a Java command, and the directories of this node."""
    image: str
    java: str
    config: str
    state: str
    logs: str
    log4j: str
    """Whom Flink's processes belong to."""
    account: Account = Account()

    def environment(self):
        return {
            "FLINK_CONF_DIR": self.config,
            "FLINK_PLUGINS_DIR": os.path.join(self.image, "plugins"),
            "FLINK_OPT_DIR": os.path.join(self.image, "opt"),
            "FLINK_LIB_DIR": os.path.join(self.image, "lib"),
            "FLINK_LOG_DIR": self.logs,
            # Without this glibc keeps an arena of 64 MB for each thread of RocksDB: memory that no Flink setting counts.
            "MALLOC_ARENA_MAX": "2",
            # Seconds. One, the SDK's own, is short where several processes start at once.
            "AWS_METADATA_SERVICE_TIMEOUT": "5",
        }

    def classpath(self):
        """lib/ in name order, flink-dist last, so that a jar put there by the user wins."""
        lib = os.path.join(self.image, "lib")
        jars = sorted(name for name in os.listdir(lib) if name.endswith(".jar"))
        jars.sort(key=lambda name: name.startswith("flink-dist"))
        return ":".join(os.path.join(lib, name) for name in jars)


@dataclass
class ProcessSpec:
    """One process to keep alive. `name` is unique on the node."""
    name: str
    command: list
    output: str
    """Emptied before every start: what a killed process left there would stay for ever."""
    scratch: str
    environment: dict = field(default_factory=dict)
    """Where the archive of a Java process's classes is or will be (classes.py), for all processes of its kind here; empty for a process that keeps none."""
    classes: str = ""
    """A class, as Java lists it, that tells that the process has done what it is there for: before that there is little to keep."""
    working_class: str = ""
    account: Account = Account()

    def class_list(self):
        """Names of the classes that the last start without an archive has loaded so far, a line each."""
        return os.path.join(os.path.dirname(self.scratch), "classes.list")

    def class_log(self):
        """Which loader each of them came from, and from where."""
        return os.path.join(os.path.dirname(self.scratch), "classes.log")

    def command_line(self, trusted=True):
        """The command, with the archive once there is one; until then the process tells which classes it loads. `trusted`: whether the archive may be used."""
        if not self.classes or not trusted:
            return self.command
        java, *options = self.command
        if os.path.exists(self.classes):
            return [java, "-Xshare:auto", "-XX:SharedArchiveFile=" + self.classes, *options]
        log = "-Xlog:class+load=debug:file=%s:none:filecount=1,filesize=32M" % self.class_log()
        return [java, "-XX:DumpLoadedClassList=" + self.class_list(), log, *options]


def read_settings(path):
    """The flat `key: "JSON string"` lines of a config.yaml as the control plane renders it. Anything else is Flink's business, not ours."""
    settings = {}
    with open(path) as stream:
        for line in stream:
            key, colon, value = line.partition(": ")
            if colon and not line.startswith((" ", "#", "-")):
                settings[key.strip().strip("\"'")] = _scalar(value.strip())
    return settings


def _scalar(value):
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return json.loads(value)
    return value


def memory_parameters(flink, kind):
    """
    Asks Flink for the JVM flags and dynamic properties that follow from the memory settings.
    `kind` is 'JM' or 'TM'. Returns (JVM flags, program arguments). Raises FlinkError with Flink's reason.
    """
    command = [flink.java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Dlog4j.level=ERROR",
               "-cp", os.path.join(flink.image, "bin", "bash-java-utils.jar") + ":" + flink.classpath(),
               "org.apache.flink.runtime.util.bash.BashJavaUtils", "GET_%s_RESOURCE_PARAMS" % kind, "--configDir", flink.config]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **flink.environment()},
                          **flink.account.process())
    lines = [line[len(RESULT):].split() for line in (done.stdout + done.stderr).splitlines() if line.startswith(RESULT)]
    if done.returncode != 0 or not lines:
        raise FlinkError("Flink refuses the memory settings of %s: %s" % (flink.config, (done.stderr or done.stdout).strip()[-800:]))
    return lines[0], lines[1] if len(lines) > 1 else []


STORAGE = "execution.checkpointing.storage"


def _storage(flink, settings):
    """
    Flink's own storage of checkpoints where the image is older than the control plane and has not the one that is asked for: no job would start, also
    none that a move brings here. Such a JobManager looks for its fence before it enters a checkpoint, and not before a savepoint is complete.
    """
    wanted = settings.get(STORAGE, "")
    if not wanted.startswith("sluice.ha.") or wanted.replace(".", "/") + ".class" in _classes(os.path.join(flink.image, "lib", "sluice-ha.jar")):
        return {}
    print("The Flink image has no %s: %s is filesystem. `npm run artifacts` makes a present one." % (wanted, STORAGE), flush=True)
    return {STORAGE: "filesystem"}


def _classes(jar):
    if not os.path.exists(jar):
        return []
    with zipfile.ZipFile(jar) as archive:
        return archive.namelist()


# Where Flink's own web page finds a process's log.
LOG_PATH = {"jobmanager": "web.log.path", "taskmanager": "taskmanager.log.path"}


def _process(flink, name, main, role, memory, own):
    jvm_flags, arguments = memory
    settings = read_settings(os.path.join(flink.config, "config.yaml"))
    directory = os.path.join(flink.state, name)
    flink.account.own(directory)
    scratch = os.path.join(directory, "tmp")
    log = os.path.join(flink.logs, name + ".log")
    # Not by the system property log.file, as Flink's scripts do: RocksDB would then write its own log beside it, under a name made of the whole path
    # of its directory, and a restore fails where that has more than 255 characters ("While open a file for appending … File name too long").
    own = {**own, "process.working-dir": directory, "io.tmp.dirs": scratch,
           LOG_PATH[role]: log, **_storage(flink, settings)}
    options = settings.get("env.java.opts.all", "").split() + settings.get("env.java.opts.%s" % role, "").split()
    command = [flink.java, *jvm_flags, *MODULES, "-XX:+ExitOnOutOfMemoryError",
               # Flink keeps a user program's System.exit from ending the process with a security manager, which Java 18+ wants allowed.
               "-Djava.security.manager=allow",
               # With a security manager Java keeps an address for ever that it was installed before, and S3's change all the time; seconds, as AWS advises:
               # https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/jvm-ttl-dns.html
               "-Dsun.net.inetaddr.ttl=5", *options,
               "-Djava.io.tmpdir=" + scratch, "-Dsluice.log.file=" + log, "-Dlog4j.configurationFile=file:" + flink.log4j,
               "-cp", flink.classpath(), main, "--configDir", flink.config, *arguments, *_dynamic(own)]
    return ProcessSpec(name, command, os.path.join(flink.logs, name + ".out"), scratch, flink.environment(), account=flink.account)


def _dynamic(properties):
    return [part for key, value in properties.items() for part in ("-D", "%s=%s" % (key, value))]


def job_manager(flink, instance_id, address):
    """
    A JobManager on the host's primary address. The configuration names the address of the first of them: where there is a stand-by, each
    is known by its own, and where there is none, the two are the same.
    """
    name = "jobmanager"
    own = {
        "jobmanager.rpc.address": address,
        "rest.address": address,
        "jobmanager.bind-host": address,
        "rest.bind-address": address,
        "jobmanager.resource-id": instance_id,
        "web.tmpdir": os.path.join(flink.state, name, "tmp"),
        # Not in the directory that is emptied: jars that were uploaded are there after a restart of the process, as the jobs are.
        "web.upload.dir": os.path.join(flink.state, name),
    }
    spec = _process(flink, name, JOB_MANAGER, "jobmanager", memory_parameters(flink, "JM"), own)
    return [replace(spec, classes=archive_path(flink, "jobmanager"), working_class="org/apache/flink/runtime/jobmaster/JobMaster")]


def task_managers(flink, instance_id, addresses):
    """
    One TaskManager an address: the ports are the same for each, so that security groups can name them.
    The resource id and the working directory stay when a process is restarted: that is what local recovery needs.
    """
    memory = memory_parameters(flink, "TM")
    specs = [
        _process(flink, "taskmanager-%d" % number, TASK_MANAGER, "taskmanager", memory, {
            "taskmanager.host": address,
            "taskmanager.bind-host": address,
            "taskmanager.resource-id": "%s-%d" % (instance_id, number),
        })
        for number, address in enumerate(addresses, 1)
    ]
    classes = archive_path(flink, "taskmanager")
    return [replace(spec, classes=classes, working_class="org/apache/flink/streaming/runtime/tasks/StreamTask") for spec in specs]


def archive_path(flink, role):
    """
    Where the archive of classes of a role's processes is kept; makes the directory, which is their account's, as Java writes there. Its name
    follows from what decides whether the JVM takes it: Java, and path, size and time of each jar, which the JVM compares with the archive's
    own, and the settings that heap and collector follow from. So one that does not fit has another name, here and in S3. Flink's own answer
    about memory would tell the heap's size, but costs a JVM that nobody needs to wait for.
    """
    settings = read_settings(os.path.join(flink.config, "config.yaml"))
    decisive = ("env.java.opts.all", "env.java.opts." + role, role + ".memory.")
    java = os.path.realpath(shutil.which(flink.java) or flink.java)
    runtime = os.path.join(os.path.dirname(os.path.dirname(java)), "lib")
    files = [java, os.path.join(runtime, "modules"), os.path.join(runtime, "server", "libjvm.so"), *flink.classpath().split(":"), *_plugins(flink)]
    facts = [platform.machine(), MODULES, sorted(item for item in settings.items() if item[0].startswith(decisive)), [_identity(path) for path in files]]
    directory = os.path.join(flink.state, "classes")
    flink.account.own(directory)
    return os.path.join(directory, "%s-%s.jsa" % (role, hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]))


def _plugins(flink):
    plugins = os.path.join(flink.image, "plugins")
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(plugins) for name in names if name.endswith(".jar"))


def _identity(path):
    try:
        found = os.stat(path)
    except OSError:
        return [path]
    return [path, found.st_size, int(found.st_mtime)]
