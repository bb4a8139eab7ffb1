"""Who a node is, and what it is told to run."""
import json
import os
import tempfile
import unittest

from sluice_node import node, notices
from sluice_node.imds import Metadata, MetadataUnavailable
from sluice_node.status import status_uri

from .fakes import FakeMetadata, FakeS3, instance

CONFIG = "s3://state/clusters/demo/e3/config/"
NODE = json.dumps({"cluster": "demo", "epoch": 3, "flinkVersion": "2.3.0", "distribution": "s3://artifacts/flink/2.3.0/", "taskManagersPerHost": 2}).encode()


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class IdentityTest(unittest.TestCase):
    def setUp(self):
        self.service = FakeMetadata(instance())
        self.addCleanup(self.service.close)
        self.metadata = Metadata(self.service.url)
        self.clock = Clock()

    def read(self, **more):
        return node.read_identity(self.metadata, sleep=self.clock.sleep, clock=self.clock, **more)

    def test_a_node_knows_its_role_zone_addresses_and_configuration_from_its_instance_metadata(self):
        identity = self.read()
        self.assertEqual(("taskmanager", "i-0123", "eu-west-1b", CONFIG), (identity.role, identity.instance_id, identity.zone, identity.config))
        self.assertEqual(["127.70.30.20", "127.70.30.21"], identity.addresses)

    def test_the_metadata_session_token_is_asked_for_once(self):
        self.read()
        self.read()
        self.assertEqual(1, self.service.tokens)

    def test_the_region_follows_from_the_zone_when_the_environment_does_not_say_it(self):
        saved = os.environ.pop("AWS_REGION", None)
        try:
            self.assertEqual("eu-west-1", self.read().region)
        finally:
            if saved is not None:
                os.environ["AWS_REGION"] = saved

    def test_tags_that_appear_late_are_waited_for(self):
        late = dict(self.service.found)
        self.service.found = {}

        def sleep(seconds):
            self.clock.sleep(seconds)
            if self.clock.now > 5:
                self.service.found = late

        self.assertEqual("taskmanager", node.read_identity(self.metadata, sleep=sleep, clock=self.clock).role)

    def test_tags_that_never_appear_are_named_in_the_error(self):
        self.service.found["meta-data/tags/instance"] = "sluice:cluster\nsluice:epoch"
        with self.assertRaisesRegex(node.NodeError, "sluice:role, sluice:config are missing"):
            self.read()

    def test_an_unknown_role_is_refused_at_once(self):
        self.service.found["meta-data/tags/instance/sluice:role"] = "coffee"
        with self.assertRaisesRegex(node.NodeError, "'coffee'; known: jobmanager, taskmanager"):
            self.read()
        self.assertEqual(0, self.clock.now)

    def test_a_metadata_service_that_does_not_answer_is_an_error_with_its_path(self):
        with self.assertRaisesRegex(MetadataUnavailable, "meta-data/mac"):
            Metadata("http://127.0.0.1:9").get("meta-data/mac")

    def test_an_answer_that_breaks_off_is_no_answer(self):
        self.service.break_off = True  # A thread that polls would end by any other error, and the host never be drained.
        with self.assertRaisesRegex(MetadataUnavailable, "does not answer for meta-data/mac"):
            self.metadata.get("meta-data/mac")

    def test_interruption_and_rebalance_notices_are_read(self):
        self.assertEqual({}, notices.read_notices(self.metadata))
        self.service.found["meta-data/spot/instance-action"] = '{"action": "terminate", "time": "2026-01-01T00:00:00Z"}'
        self.assertEqual({"interruption": {"action": "terminate", "time": "2026-01-01T00:00:00Z"}}, notices.read_notices(self.metadata))

    def test_the_status_object_lies_beside_the_configuration_of_the_epoch(self):
        self.assertEqual("s3://state/clusters/demo/e3/nodes/i-0123.json", status_uri(CONFIG, "i-0123"))


class ConfigurationTest(unittest.TestCase):
    def setUp(self):
        self.service = FakeMetadata(instance())
        self.addCleanup(self.service.close)
        self.clock = Clock()
        self.identity = node.read_identity(Metadata(self.service.url))

    def fetch(self, s3, directory):
        return node.fetch_configuration(self.identity, s3, directory, sleep=self.clock.sleep, clock=self.clock)

    def test_the_configuration_of_its_own_role_is_stored_as_flink_reads_it(self):
        with tempfile.TemporaryDirectory() as directory:
            found = self.fetch(FakeS3({CONFIG + "node.json": NODE, CONFIG + "taskmanager.yaml": b'a: "1"\n'}), directory)
            with open(os.path.join(directory, "config.yaml")) as stream:
                self.assertEqual('a: "1"\n', stream.read())
        self.assertEqual("2.3.0", found["flinkVersion"])

    def test_rights_that_reach_s3_late_are_waited_for(self):
        with tempfile.TemporaryDirectory() as directory:
            self.fetch(FakeS3({CONFIG + "node.json": NODE, CONFIG + "taskmanager.yaml": b""}, failures=5), directory)
        self.assertEqual(5.0, self.clock.now)

    def test_a_configuration_that_never_comes_ends_the_boot_with_the_answer_of_s3(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(node.NodeError, "node.json: S3 answered 404"):
            self.fetch(FakeS3({}), directory)

    def test_a_node_json_without_a_flink_version_is_refused(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(node.NodeError, "has no flinkVersion"):
            self.fetch(FakeS3({CONFIG + "node.json": b"{}", CONFIG + "taskmanager.yaml": b""}), directory)
