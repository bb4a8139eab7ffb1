"""Who this node is: from instance metadata and the cluster's configuration in S3."""
import json
import os
import time
from dataclasses import dataclass

from .imds import MetadataUnavailable
from .s3 import S3Error

ROLES = ("jobmanager", "taskmanager")
REQUIRED_TAGS = ("sluice:cluster", "sluice:epoch", "sluice:role", "sluice:config")


class NodeError(Exception):
    """The node cannot know what to do; the message says what is missing."""


@dataclass
class Identity:
    instance_id: str
    zone: str
    region: str
    mac: str
    addresses: list
    tags: dict

    @property
    def role(self):
        return self.tags["sluice:role"]

    @property
    def config(self):
        return self.tags["sluice:config"].rstrip("/") + "/"


def read_identity(metadata, patience=60.0, sleep=time.sleep, clock=time.monotonic):
    """Tags and addresses may appear some seconds after the boot: waits for them `patience` seconds. Raises NodeError."""
    deadline = clock() + patience
    while True:
        try:
            tags = metadata.tags()
            missing = [name for name in REQUIRED_TAGS if name not in tags]
            problem = "the tags %s are missing" % ", ".join(missing) if missing else None
            if not missing:
                zone = metadata.get("meta-data/placement/availability-zone")
                mac, addresses = metadata.addresses()
                if tags["sluice:role"] not in ROLES:
                    raise NodeError("the tag sluice:role says %r; known: %s" % (tags["sluice:role"], ", ".join(ROLES)))
                region = os.environ.get("AWS_REGION") or zone.rstrip("abcdefghijklmnopqrstuvwxyz")
                return Identity(metadata.get("meta-data/instance-id"), zone, region, mac, addresses, tags)
        except MetadataUnavailable as error:
            problem = str(error)
        if clock() >= deadline:
            raise NodeError("The instance metadata is not complete after %d s: %s" % (patience, problem))
        sleep(0.5)


def fetch_configuration(identity, s3, directory, patience=60.0, sleep=time.sleep, clock=time.monotonic):
    """
    Stores the role's config.yaml in `directory` and returns node.json. The instance profile's rights may take seconds to be known to
    S3, so refusals are retried for `patience` seconds too. Raises NodeError.
    """
    deadline = clock() + patience
    while True:
        try:
            node = json.loads(s3.get(identity.config + "node.json"))
            yaml = s3.get(identity.config + identity.role + ".yaml")
            break
        except (S3Error, MetadataUnavailable) as error:
            if clock() >= deadline:
                raise NodeError("The cluster's configuration cannot be read: %s" % error) from error
            sleep(1.0)
    for name in ("flinkVersion", "distribution"):
        if not node.get(name):
            raise NodeError("%snode.json has no %s" % (identity.config, name))
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.yaml"), "wb") as stream:
        stream.write(yaml)
    return node
