"""Stand-ins for the two services a node talks to: instance metadata and S3."""
import hashlib
import io
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sluice_node.s3 import S3Error

MAC = "02:00:7f:46:02:14"


def instance(role="taskmanager", addresses=("127.70.30.20", "127.70.30.21"), **more):
    """Metadata paths of an instance as EC2 gives them."""
    tags = {"sluice:cluster": "demo", "sluice:epoch": "3", "sluice:role": role, "sluice:config": "s3://state/clusters/demo/e3/config", "Name": "a b"}
    found = {
        "meta-data/instance-id": "i-0123", "meta-data/placement/availability-zone": "eu-west-1b", "meta-data/mac": MAC,
        "meta-data/network/interfaces/macs/%s/local-ipv4s" % MAC: "\n".join(addresses),
        "meta-data/iam/security-credentials/": "node-role",
        "meta-data/iam/security-credentials/node-role": json.dumps({
            "AccessKeyId": "AKIA", "SecretAccessKey": "secret", "Token": "session", "Expiration": "2099-01-01T00:00:00Z"}),
        "meta-data/tags/instance": "\n".join(tags)}
    found.update({"meta-data/tags/instance/" + key: value for key, value in tags.items()})
    found.update(more)
    return found


class FakeMetadata:
    """An instance metadata service that speaks version 2 only. `found` can be changed while it runs; `break_off`: its answers end too soon."""

    def __init__(self, found):
        self.found = found
        self.tokens = 0
        self.break_off = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                fake.tokens += 1
                self.answer(200, "token")

            def do_GET(self):
                if self.headers.get("X-aws-ec2-metadata-token") != "token":
                    return self.answer(401, "")
                text = fake.found.get(self.path[len("/latest/"):])
                self.answer(404 if text is None else 200, text or "")

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode()[:-1] if fake.break_off and self.command == "GET" else text.encode())

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class FakeS3:
    """Objects by address. `failures` calls are refused first, as S3 does until a new role is known to it."""

    def __init__(self, objects, failures=0):
        self.objects = objects
        self.failures = failures
        self.downloads = []
        self.stated = {}

    def get(self, uri):
        if self.failures > 0:
            self.failures -= 1
            raise S3Error("GET %s: S3 answered 403" % uri, 403)
        if uri not in self.objects:
            raise S3Error("GET %s: S3 answered 404" % uri, 404)
        return self.objects[uri]

    def put(self, uri, body):
        self.objects[uri] = body

    def exists(self, uri):
        return uri in self.objects

    def put_new(self, uri, body):
        if uri in self.objects:
            return False
        self.objects[uri], self.stated[uri] = body, hashlib.sha256(body).hexdigest()
        return True

    def open(self, uri):
        return io.BytesIO(self.get(uri)), self.stated.get(uri)

    def download(self, uri, path):
        self.downloads.append(uri)
        with open(path, "wb") as stream:
            stream.write(self.get(uri))


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
