"""What a node says of itself: a file on the node, and the same as an object in the cluster's part of the state bucket."""
import json
import os
import sys
import threading

from .supervisor import now

# A cluster's config prefix …/e<epoch>/config/ has a neighbour …/e<epoch>/nodes/.
RETRY_SECONDS = 5


def status_uri(config, instance_id):
    """'s3://b/clusters/c/e1/config/' → 's3://b/clusters/c/e1/nodes/<instanceId>.json'."""
    return config.rstrip("/").rsplit("/", 1)[0] + "/nodes/" + instance_id + ".json"


class Status:
    """Collects what is known; every change is written by a thread of its own, the latest state winning, so that nobody waits for S3."""

    def __init__(self, path, **facts):
        self._path = path
        self._state = {"phase": "booting", "reason": "The machine has booted.", **facts}
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._publish = None

    def publish_with(self, put):
        """`put(bytes)` stores the status object; called for every change from now on."""
        self._publish = put
        threading.Thread(target=self._write, name="status", daemon=True).start()
        self.update()

    def update(self, **changes):
        with self._lock:
            self._state.update(changes, updatedAt=now())
            body = json.dumps(self._state, indent=1).encode()
            try:
                self._write_file(body)
            except OSError as error:  # A full disk is no reason to end processes that run; the object tells as much.
                print("sluice: %s not written: %s" % (self._path, error), file=sys.stderr, flush=True)
        self._idle.clear()
        self._dirty.set()

    def _write_file(self, body):
        temporary = self._path + ".new"
        with open(temporary, "wb") as stream:
            stream.write(body)
        os.replace(temporary, self._path)

    def processes(self, children, **changes):
        """Takes over the supervisor's children, with what else has changed."""
        self.update(**changes, processes=[{
            "name": child.spec.name, "pid": child.process.pid if child.process else None, "startedAt": child.started_at,
            "starts": child.starts, "deaths": child.deaths} for child in children])

    def flush(self, seconds):
        """Waits until the latest change is stored, at most so long."""
        if self._publish:
            self._idle.wait(seconds)

    def _write(self):
        while True:
            self._dirty.wait()
            self._dirty.clear()
            with self._lock:
                body = json.dumps(self._state).encode()
            try:
                self._publish(body)
                if not self._dirty.is_set():
                    self._idle.set()
            except Exception as error:  # noqa: BLE001  (a node runs on without its status object; the next change tries again)
                print("sluice: status object not written: %s" % error, file=sys.stderr, flush=True)
                threading.Event().wait(RETRY_SECONDS)
                self._dirty.set()
