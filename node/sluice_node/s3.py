"""
S3 for a node: its configuration and its status, and archives of classes.

Signed here (Signature Version 4) because starting the AWS CLI costs about a second of CPU a call, which a boot that should take
seconds and a report of a death that should be immediate cannot spare. Flink and Java go through the CLI, which fetches in parallel.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""
import hashlib
import hmac
import http.client
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone


class S3Error(Exception):
    """S3 refused or did not answer; `status` is the HTTP status, or None."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def parse_uri(uri):
    """'s3://bucket/a/b' → ('bucket', 'a/b'). Raises ValueError."""
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError("not an S3 address: %r" % uri)
    return parts.netloc, parts.path.lstrip("/")


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(method, url, region, credentials, body, now, metadata=None):
    """Headers that authorise one request with an empty query. `credentials` = (access key, secret, token or None), `metadata`: of an object, by name."""
    access_key, secret_key, token = credentials
    parts = urllib.parse.urlsplit(url)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    headers.update(("x-amz-meta-" + name, value) for name, value in (metadata or {}).items())
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, parts.path, "", *("%s:%s" % (name, headers[name]) for name in sorted(headers)), "", names, digest])
    scope = "%s/%s/s3/aws4_request" % (day, region)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = _hmac(_hmac(_hmac(_hmac(("AWS4" + secret_key).encode(), day), region), "s3"), "aws4_request")
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (access_key, scope, names, signature)
    del headers["host"]
    return headers


class S3:
    """`credentials` is a function, so that they can be renewed."""

    def __init__(self, region, credentials, endpoint=None, timeout=10.0):
        self._region = region
        self._credentials = credentials
        self._endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        self._timeout = timeout

    def _url(self, uri):
        bucket, key = parse_uri(uri)
        path = "/" + urllib.parse.quote(key, safe="/-_.~")
        if self._endpoint:
            return "%s/%s%s" % (self._endpoint.rstrip("/"), bucket, path)
        return "https://%s.s3.%s.amazonaws.com%s" % (bucket, self._region, path)

    def _open(self, method, uri, body=b"", metadata=None, headers=None, timeout=None):
        url = self._url(uri)
        signed = sign(method, url, self._region, self._credentials(), body, datetime.now(timezone.utc), metadata)
        request = urllib.request.Request(url, method=method, headers={**signed, **(headers or {})}, data=body if method == "PUT" else None)
        try:
            return urllib.request.urlopen(request, timeout=timeout or self._timeout)
        except urllib.error.HTTPError as error:
            raise S3Error("%s %s: S3 answered %d %s" % (method, uri, error.code, error.read(300).decode("utf-8", "replace")), error.code) from error
        except OSError as error:
            raise S3Error("%s %s: S3 does not answer: %s" % (method, uri, error)) from error

    def get(self, uri):
        with self._open("GET", uri) as answer:
            try:
                return answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise S3Error("GET %s broke off: %s" % (uri, error)) from error

    def put(self, uri, body):
        self._open("PUT", uri, body).close()

    def exists(self, uri):
        try:
            self._open("HEAD", uri).close()
            return True
        except S3Error as error:
            if error.status == 404:
                return False
            raise

    def put_new(self, uri, body):
        """Stores an object with its SHA-256, unless there is one. Returns whether it did."""
        try:
            # Large, and nobody waits for it.
            self._open("PUT", uri, body, {"sha256": hashlib.sha256(body).hexdigest()}, {"if-none-match": "*"}, timeout=120).close()
            return True
        except S3Error as error:
            # The second: S3 is just writing another's. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            if error.status in (412, 409):
                return False
            raise

    def open(self, uri):
        """An object as a stream to be closed, and the SHA-256 that `put_new` stored with it, or None."""
        answer = self._open("GET", uri)
        return answer, answer.headers.get("x-amz-meta-sha256")

    def download(self, uri, path):
        """Fetches a large object to a file with the AWS CLI (parallel ranges)."""
        # The CLI waits a second for instance metadata, once: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ec2-instance-metadata.html
        environment = {"AWS_METADATA_SERVICE_TIMEOUT": "5", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "5", **os.environ,
                       "AWS_REGION": self._region, "AWS_DEFAULT_REGION": self._region}
        done = subprocess.run(["aws", "s3", "cp", "--only-show-errors", uri, path], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=environment)
        if done.returncode != 0:
            raise S3Error("%s cannot be fetched: %s" % (uri, done.stderr.strip()[-500:]))
