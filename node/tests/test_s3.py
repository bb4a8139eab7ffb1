"""Requests to S3 are signed as AWS's documentation shows."""
import hashlib
import os
import tempfile
import unittest
import unittest.mock
import uuid
from datetime import datetime, timezone

from sluice_node.s3 import S3, S3Error, parse_uri, sign


class SignatureTest(unittest.TestCase):
    def test_a_signature_is_that_of_botocore_for_the_same_request(self):
        # Made with botocore 1.43.106, S3SigV4Auth, for this request, these keys and this instant.
        headers = sign("PUT", "https://state.s3.eu-west-1.amazonaws.com/clusters/a%20b/nodes/i-1.json", "eu-west-1", ("AKIDEXAMPLE", "wJalrXUtnFEMI", "TOKEN"),
                       b"{}", datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc))
        self.assertEqual("a724d46fcc9b06f422069c9135caff45b21ae6cf42cbf2b03eef6977115baad3", headers["authorization"].rsplit("=", 1)[-1])

    def test_a_session_token_is_signed_only_when_there_is_one(self):
        headers = sign("GET", "http://127.0.0.1:1/b/k", "us-east-1", ("a", "b", None), b"", datetime(2026, 1, 1, tzinfo=timezone.utc))
        self.assertNotIn("host", headers)
        self.assertNotIn("x-amz-security-token", headers)

    def test_metadata_is_signed(self):
        headers = sign("PUT", "http://127.0.0.1:1/b/k", "us-east-1", ("a", "b", None), b"", datetime(2026, 1, 1, tzinfo=timezone.utc), {"sha256": "0"})
        self.assertEqual("0", headers["x-amz-meta-sha256"])
        self.assertIn("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-sha256,", headers["authorization"])

    def test_a_bucket_is_addressed_by_host_name_on_aws_and_by_path_at_a_given_endpoint(self):
        with unittest.mock.patch.dict("os.environ", clear=True):
            self.assertEqual("https://b.s3.eu-west-1.amazonaws.com/k/a%20b", S3("eu-west-1", None)._url("s3://b/k/a b"))
        self.assertEqual("http://127.0.0.1:1/b/k", S3("eu-west-1", None, endpoint="http://127.0.0.1:1/")._url("s3://b/k"))

    def test_a_large_object_is_fetched_from_the_hosts_region_with_patience_for_instance_metadata(self):
        with tempfile.TemporaryDirectory() as directory:
            command, target = os.path.join(directory, "aws"), os.path.join(directory, "target")
            with open(command, "w") as stream:
                stream.write('#!/bin/sh\nfor path; do :; done\nenv | grep ^AWS_ | sort > "$path"\n')
            os.chmod(command, 0o700)
            with unittest.mock.patch.dict("os.environ", {"PATH": directory + ":/usr/bin:/bin"}, clear=True):
                S3("eu-west-1", None).download("s3://b/k", target)
            with open(target) as stream:
                self.assertEqual(["AWS_DEFAULT_REGION=eu-west-1", "AWS_METADATA_SERVICE_NUM_ATTEMPTS=5", "AWS_METADATA_SERVICE_TIMEOUT=5",
                                  "AWS_REGION=eu-west-1"], stream.read().split())

    def test_what_is_not_an_s3_address_is_refused(self):
        for wrong in ("http://b/k", "s3:///k", "b/k"):
            with self.assertRaises(ValueError):
                parse_uri(wrong)


@unittest.skipUnless(os.environ.get("SLUICE_TEST_BUCKET"), "needs a bucket (test/contract/node.test.ts has one)")
class ObjectTest(unittest.TestCase):
    def setUp(self):
        keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], None
        self.s3 = S3("us-east-1", lambda: keys)
        self.uri = "s3://%s/%s" % (os.environ["SLUICE_TEST_BUCKET"], uuid.uuid4())

    def read(self):
        stream, stated = self.s3.open(self.uri)
        with stream:
            return stream.read(), stated

    def test_an_object_that_is_stored_as_new_is_not_replaced(self):
        self.assertEqual((False, True, True), (self.s3.exists(self.uri), self.s3.put_new(self.uri, b"first"), self.s3.exists(self.uri)))
        self.assertFalse(self.s3.put_new(self.uri, b"second"))
        self.assertEqual((b"first", hashlib.sha256(b"first").hexdigest()), self.read())

    def test_one_that_was_stored_otherwise_states_no_sha256(self):
        self.s3.put(self.uri, b"{}")
        self.assertEqual((b"{}", None), self.read())
        self.assertEqual(b"{}", self.s3.get(self.uri))

    def test_one_that_is_not_there_is_told_by_its_status(self):
        with self.assertRaises(S3Error) as caught:
            self.s3.open(self.uri)
        self.assertEqual(404, caught.exception.status)
