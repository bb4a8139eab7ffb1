"""One host's Flink processes under the node's own supervisor, without an instance around it: `host.py SPEC.json` (cluster.ts writes it)."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "node"))

from sluice_node import classes, flink  # noqa: E402
from sluice_node.status import Status  # noqa: E402
from sluice_node.supervisor import Supervisor  # noqa: E402


def main(path):
    with open(path) as stream:
        spec = json.load(stream)
    home = spec["home"]
    for part in ("log", "state"):
        os.makedirs(os.path.join(home, part), exist_ok=True)
    installation = flink.Installation(
        image=spec["image"], java=spec["java"], config=os.path.join(home, "conf"), state=os.path.join(home, "state"),
        logs=os.path.join(home, "log"), log4j=os.path.join(home, "conf", "log4j.properties"))
    if spec["role"] == "jobmanager":
        specs = flink.job_manager(installation, spec["id"], spec["addresses"][0])
    else:
        specs = flink.task_managers(installation, spec["id"], spec["addresses"])
    classes.keep(specs, print, steady=spec.get("keepsClassesAfter", classes.STEADY_SECONDS))
    Supervisor(specs, Status(os.path.join(home, "status.json"), processes=[]).processes).run()


if __name__ == "__main__":
    main(sys.argv[1])
