"""Ends the machines' processes when the agent itself was killed: it learns of that from the end of its standard input.

The processes of a machine that the kernel does not end with their parent (a command of the user data, say) would live on otherwise.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


class Warden:
    """The agent's side: tells the warden which process groups there are."""

    def __init__(self) -> None:
        # In a session of its own, so that Ctrl-C at a terminal does not end it before the agent has ended.
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, start_new_session=True)

    def watch(self, group: int) -> None:
        self._say(f"+{group}")

    def forget(self, group: int) -> None:
        self._say(f"-{group}")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    main()
