"""Runs one command for as long as its owner lives: `guard.py GRACE_SECONDS command …`.

The owner holds the other end of this process's standard input. When that end closes (the owner ended, crashed or was
killed with SIGKILL), when SIGTERM/SIGINT/SIGHUP arrives, or when the command ends by itself, everything that the command
started is ended too: SIGTERM first, SIGKILL after GRACE_SECONDS. The guard is a child subreaper (Linux 3.4), so a
grandchild that outlives its parent becomes the guard's own child and cannot be lost.

Exit status: the command's own, or 128 + signal, as a shell gives it.
"""

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


def descendants():
    """Process ids of all living descendants, from one pass over /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            children.setdefault(int(parent), []).append(int(entry))
    found, queue = [], [os.getpid()]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def send(signal_number, pids):
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            pass


def reap(main):
    """Collects ended children; returns the main command's wait status when it is among them."""
    status = None
    while True:
        try:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == main:
            status = wait_status


def end_all(main, grace_seconds):
    # First only the command itself: a component that ends its own children in order (a fleet agent its JVMs) can do so.
    deadline = time.monotonic() + grace_seconds
    send(signal.SIGTERM, [main])
    status = None
    while time.monotonic() < deadline:
        ended = reap(main)
        status = status if ended is None else ended
        remaining = descendants()
        if not remaining:
            return status
        if status is not None:
            send(signal.SIGTERM, remaining)
            deadline = min(deadline, time.monotonic() + 3)
        time.sleep(0.05)
    while True:
        remaining = descendants()
        if not remaining:
            break
        send(signal.SIGKILL, remaining)
        time.sleep(0.02)
        ended = reap(main)
        status = status if ended is None else ended
    ended = reap(main)
    return status if ended is None else ended


def run_command(command):
    # Should the guard itself be killed, the command at least goes with it (its own children are then found by their environment,
    # see processes.ts).
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"guard: cannot run {command[0]}: {error}", file=sys.stderr)
        os._exit(127)


def main():
    grace_seconds, command = float(sys.argv[1]), sys.argv[2:]
    os.setsid()
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("guard: this kernel has no child subreapers")
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: asked.append(received))
    signal.signal(signal.SIGCHLD, lambda *_: None)

    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        os.closerange(3, 256)
        run_command(command)

    status = None
    while status is None and not asked:
        ready, _, _ = select.select([0, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
            status = reap(child)
        if 0 in ready and os.read(0, 4096) == b"":
            break
    ended = end_all(child, grace_seconds)
    status = ended if status is None else status
    code = 0 if status is None else os.waitstatus_to_exitcode(status)
    sys.exit(128 - code if code < 0 else code)


main()
