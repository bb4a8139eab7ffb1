"""Requests to S3 are signed as AWS's documentation shows."""
import unittest
import unittest.mock
from datetime import datetime, timezone

from sluice_node.s3 import S3, parse_uri, sign


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

    def test_a_bucket_is_addressed_by_host_name_on_aws_and_by_path_at_a_given_endpoint(self):
        with unittest.mock.patch.dict("os.environ", clear=True):
            self.assertEqual("https://b.s3.eu-west-1.amazonaws.com/k/a%20b", S3("eu-west-1", None)._url("s3://b/k/a b"))
        self.assertEqual("http://127.0.0.1:1/b/k", S3("eu-west-1", None, endpoint="http://127.0.0.1:1/")._url("s3://b/k"))

    def test_what_is_not_an_s3_address_is_refused(self):
        for wrong in ("http://b/k", "s3:///k", "b/k"):
            with self.assertRaises(ValueError):
                parse_uri(wrong)
