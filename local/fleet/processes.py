"""Linux's means to make a set of processes end for certain."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """The calling process gets the signal when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """What our descendants leave behind becomes our child, so that it can be waited for (process 1 of a container may not do that)."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def start_group(command: list[str], directory: str, environment: dict[str, str], log_path: str) -> subprocess.Popen:
    """Starts a command as the head of a session and process group of its own, that ends with us. Call it from the main thread."""
    parent = os.getpid()

    def prepare() -> None:
        end_with_parent()
        if os.getppid() != parent:
            os._exit(1)

    with open(log_path, "ab") as log:
        return subprocess.Popen(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                start_new_session=True, preexec_fn=prepare)


def signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


def group_gone(group: int) -> bool:
    """Reaps what ended of a process group; true when nothing of it is left."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    try:
        os.killpg(group, 0)
        return False
    except ProcessLookupError:
        return True
