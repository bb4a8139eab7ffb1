"""Instance metadata, version 2 (token first). https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"""
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

TOKEN_SECONDS = 21600


class MetadataUnavailable(Exception):
    """The instance metadata service does not answer, or not with what a node needs."""


class Metadata:
    """Reads paths below `/latest/`; keeps the session token and the role's credentials until shortly before they end."""

    def __init__(self, endpoint=None, timeout=2.0):
        self._endpoint = (endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254").rstrip("/")
        self._timeout = timeout
        self._token = None
        self._token_until = 0.0
        self._credentials = None
        # Never through a proxy: the address is link-local.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _open(self, method, path, headers):
        request = urllib.request.Request(self._endpoint + path, method=method, headers=headers)
        with self._opener.open(request, timeout=self._timeout) as answer:
            return answer.read().decode()

    def find(self, path):
        """Returns the text at /latest/<path>, or None when there is nothing (404). Raises MetadataUnavailable."""
        try:
            if time.monotonic() >= self._token_until:
                self._token = self._open("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)})
                self._token_until = time.monotonic() + TOKEN_SECONDS - 300
            return self._open("GET", "/latest/" + path, {"X-aws-ec2-metadata-token": self._token})
        except urllib.error.HTTPError as error:
            if error.code == 401:
                self._token_until = 0.0
            if error.code == 404:
                return None
            raise MetadataUnavailable("instance metadata answered %d for %s" % (error.code, path)) from error
        except (OSError, http.client.HTTPException) as error:
            raise MetadataUnavailable("instance metadata does not answer for %s: %s" % (path, error)) from error

    def get(self, path):
        """As `find`, but missing is an error."""
        value = self.find(path)
        if value is None:
            raise MetadataUnavailable("instance metadata has no %s" % path)
        return value

    def tags(self):
        """The instance's tags; empty while EC2 has not published them yet."""
        keys = self.find("meta-data/tags/instance") or ""
        return {key: self.get("meta-data/tags/instance/" + key) for key in keys.split("\n") if key}

    def addresses(self):
        """Private IPv4 addresses of the first interface, the primary one first (EC2 lists them so), and the interface's MAC."""
        mac = self.get("meta-data/mac").strip()
        listed = self.get("meta-data/network/interfaces/macs/%s/local-ipv4s" % mac)
        return mac, [address for address in listed.split("\n") if address]

    def credentials(self):
        """(access key, secret key, session token) of the instance's role."""
        if self._credentials is None or time.time() > self._credentials[1] - 300:
            role = self.get("meta-data/iam/security-credentials/").split("\n")[0].strip()
            found = json.loads(self.get("meta-data/iam/security-credentials/" + role))
            until = datetime.strptime(found["Expiration"].replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z").astimezone(timezone.utc).timestamp()
            self._credentials = ((found["AccessKeyId"], found["SecretAccessKey"], found["Token"]), until)
        return self._credentials[0]
