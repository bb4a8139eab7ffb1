"""The road of a node from boot to running Flink processes."""
import os
import shutil
import subprocess
import sys
import time

from . import account, addresses, classes, drain, flink, image, node, notices, volume
from .class_archives import SharedArchives
from .imds import Metadata, MetadataUnavailable
from .s3 import S3
from .status import Status, status_uri
from .supervisor import Supervisor

BUNDLE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PASSED_ON = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "JAVA_HOME")


def main(arguments):
    """`bootstrap.py` hands over to systemd where that runs the machine, else supervises in the foreground; `bootstrap.py run` supervises."""
    home = os.environ.get("SLUICE_HOME", "/opt/sluice")
    if arguments != ["run"] and os.path.isdir("/run/systemd/system") and os.geteuid() == 0 and not os.environ.get("SLUICE_FOREGROUND"):
        return install_unit(home)
    return run(home)


def install_unit(home, units="/etc/systemd/system"):
    environment = os.path.join(home, "environment")
    with open(environment, "w") as stream:
        stream.writelines("%s=%s\n" % (name, os.environ[name]) for name in PASSED_ON if name in os.environ)
    with open(os.path.join(BUNDLE, "units", "sluice-node.service")) as stream:
        unit = stream.read().replace("{home}", home).replace("{environment}", environment)
    with open(os.path.join(units, "sluice-node.service"), "w") as stream:
        stream.write(unit)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "enable", "--now", "sluice-node.service"], check=True)
    return 0


def run(home):
    started = time.monotonic()
    os.makedirs(home, exist_ok=True)
    say = Say(started)
    metadata = Metadata()
    status = Status(os.path.join(home, "status.json"), processes=[], notices={})
    try:
        identity = node.read_identity(metadata)
        say("%s of %s epoch %s in %s" % (identity.role, identity.tags["sluice:cluster"], identity.tags["sluice:epoch"], identity.zone))
        status.update(instanceId=identity.instance_id, zone=identity.zone, role=identity.role, cluster=identity.tags["sluice:cluster"],
                      epoch=int(identity.tags["sluice:epoch"]), addresses=identity.addresses)
        s3 = S3(identity.region, metadata.credentials)
        status.publish_with(lambda body: s3.put(status_uri(identity.config, identity.instance_id), body))
        shared = SharedArchives(s3, identity.config)
        specs, add_later = prepare(home, identity, s3, shared, say, status, metadata)
    except Exception as error:  # noqa: BLE001  (whatever it is, the control plane shall be able to read it)
        say("failed: %s" % error)
        status.update(phase="failed", reason="%s: %s" % (type(error).__name__, error))
        status.flush(5)
        return 1
    notices.watch(metadata, lambda found: status.update(notices=found))
    status.update(phase="running", reason="%d process(es) started." % len(specs), bootSeconds=round(time.monotonic() - started, 2))
    say("starting %s" % ", ".join(spec.name for spec in specs))
    classes.keep(specs, say, shared)
    supervise(specs, status, metadata if identity.role == "taskmanager" else None, say, add_later)
    status.update(phase="stopped", reason="The node was told to stop.")
    status.flush(2)
    return 0


def supervise(specs, status, metadata, say, add_later=None):
    """
    Until the node is told to stop. `metadata`: where the word to drain comes from; None for a host that is never drained.
    `add_later(add)`: where more specs come from.
    """
    asked_by = None  # Written by the thread that watches the tag.
    told = "running"
    known = len(specs)

    # Called by the supervisor's own thread only: of two threads the one that looked first could write last, and a drained host would say for ever
    # that it drains.
    def changed(children):
        nonlocal told, known
        by = asked_by
        if by:
            empty = not any(child.process for child in children)
            told = "drained" if empty else "draining"
            reason = "%s: asked by %s." % ("No process runs" if empty else "The processes are being ended", by)
        elif told == "running" and len(children) == known:
            return status.processes(children)
        elif told == "running":
            reason = "%d process(es) started." % len(children)
        else:
            told, reason = "running", "%d process(es) started again after a drain." % len(children)
        known = len(children)
        status.processes(children, phase=told, reason=reason)

    def drained(by):
        nonlocal asked_by
        asked_by = by
        say("drains, asked by %s" % by if by else "goes on: it is not to be drained any more")
        supervisor.hold(by is not None)

    supervisor = Supervisor(specs, changed)
    if metadata:
        drain.watch(metadata, drained)
    if add_later:
        add_later(supervisor.add)
    supervisor.run()


def prepare(home, identity, s3, shared, say, status, metadata):
    """Everything between knowing who we are and starting processes. Returns the processes' specs, and what adds those whose address has not come yet."""
    config, logs = os.path.join(home, "conf"), os.path.join(home, "log")
    owner = account.of_flink()
    owner.own(logs)
    wanted = node.fetch_configuration(identity, s3, config)
    status.update(phase="installing", reason="Flink and Java are being found or fetched.")
    installation = flink.Installation(
        image=image.find_flink(home, wanted["flinkVersion"], wanted["distribution"], s3),
        java=image.find_java(home, wanted["distribution"], s3),
        config=config, logs=logs, state=volume.state_directory(home, say), log4j=os.path.join(config, "log4j.properties"), account=owner)
    shutil.copyfile(os.path.join(BUNDLE, "log4j.properties"), installation.log4j)
    say("Flink in %s, state in %s" % (installation.image, installation.state))
    archive = flink.archive_path(installation, identity.role)
    with owner.files():
        wait_for_archive = shared.begin(archive, say)
    if identity.role == "jobmanager":
        specs, add_later = flink.job_manager(installation, identity.instance_id, identity.addresses[0]), None
    else:
        specs, add_later = describe(identity, installation, int(wanted.get("taskManagersPerHost", 1)), metadata, say, status)
    wait_for_archive()
    return specs, add_later


def describe(identity, installation, count, metadata, say, status):
    """The specs of the TaskManagers whose addresses are there, of `count`; what gives `add` the others as their addresses come; None where all are there."""
    def specs_of(found):
        addresses.bring_up(identity.mac, found)
        specs = flink.task_managers(installation, identity.instance_id, found)
        status.update(addresses=found)
        return specs

    if count > 1:
        addresses.keep_to_ourselves(identity.mac)
    # The control plane adds them while the host boots (docs/adr/0024-addresses-of-a-host.md).
    try:
        there = metadata.addresses()[1][:count]
    except MetadataUnavailable:
        there = identity.addresses[:count]
    if len(there) == count:
        return specs_of(there), None
    say("%d of %d addresses are there; the TaskManagers of the others start when they come" % (len(there), count))
    return specs_of(there), lambda add: addresses.follow(metadata, there, count, lambda now, had: add(specs_of(now)[had:]), say)


class Say:
    """Lines for the console log of the machine, with seconds since the bootstrap started."""

    def __init__(self, started):
        self._started = started

    def __call__(self, text):
        print("sluice %6.2f s: %s" % (time.monotonic() - self._started, text), file=sys.stderr, flush=True)
