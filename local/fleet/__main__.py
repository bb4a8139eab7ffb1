"""python -m fleet --emulator http://127.0.0.1:4566 --state local/.state (README.md)."""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import time
from pathlib import Path

from .agent import Agent
from .control import serve
from .credentials import Accounts
from .emulator import Emulator
from .machine import Site
from .processes import adopt_orphans, end_with_parent
from .warden import Warden

LOCAL = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fleet", description="Runs a process group for each emulated EC2 instance.")
    parser.add_argument("--emulator", "--endpoint", default="http://127.0.0.1:4566", help="address of the emulator (default %(default)s)")
    parser.add_argument("--state", type=Path, default=LOCAL / ".state", help="directory for the instances' disks and logs")
    parser.add_argument("--images", type=Path, default=LOCAL / ".cache", help="directory with flink-<version> images")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="000000000000")
    parser.add_argument("--control", type=int, default=0, metavar="PORT", help="port of the control endpoint on 127.0.0.1 (default: any free one)")
    parser.add_argument("--grace", type=float, default=2.0, metavar="SECONDS", help="time between SIGTERM and SIGKILL of an instance")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started the agent ends")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.with_parent:
        end_with_parent(signal.SIGTERM)
    adopt_orphans()
    java = shutil.which("java")
    if java is None:
        print("fleet: no java found; run `tsx local/install/cli.ts` to see what is missing", file=sys.stderr)
        return 1
    instances = options.state.resolve() / "instances"
    instances.mkdir(parents=True, exist_ok=True)
    lock = open(options.state / "fleet.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"fleet: another agent works in {options.state}", file=sys.stderr)
        return 1
    for old in instances.iterdir():  # Of an agent that has ended, and its processes with it.
        shutil.rmtree(old, ignore_errors=True)
    started = time.monotonic()
    accounts = Accounts(options.emulator, options.region)
    accounts.warm_up()
    warden = Warden()
    site = Site(emulator=options.emulator, region=options.region, account=options.account, images=options.images.resolve(),
                tools=Path(sys.executable).parent, java=Path(java).resolve(), instances=instances, grace_seconds=options.grace,
                accounts=accounts, warden=warden)
    agent = Agent(Emulator(options.emulator), site, lambda text: print(f"fleet {time.monotonic() - started:7.2f} s: {text}", flush=True))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: agent.stop())
    control = serve(agent, options.control)
    (options.state / "fleet.url").write_text(control + "\n")
    print(f"fleet: ready, control at {control}", flush=True)
    agent.run()
    warden.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
