"""Keeps processes alive, and ends them when it ends, however it ends."""
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone

PR_SET_PDEATHSIG = 1
# A process that lived this long was well: its next death is not counted as a repetition.
STEADY_SECONDS = 60
# After so many deaths in a row a process starts without the archive of its classes: of a damaged one the JVM dies, as often as it is started with it.
UNTRUSTED_DEATHS = 2
# Standard output is not Flink's log (that one rolls); a job that prints must not fill the disk.
OUTPUT_BYTES = 8 << 20
# Flink's TaskManager leaves its slots in an orderly way within a second or two.
STOP_SECONDS = 10

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent):
    """
    Called in a child before exec: the kernel kills it when the thread that started it ends (also by SIGKILL). A change of the user takes that
    back (https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html), so it comes after it, as subprocess has it.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # The parent ended between fork and prctl.
        os._exit(1)


def restart_delay(deaths):
    """Seconds to wait before the next start after `deaths` deaths in a row: at once the first time, then 1, 2, 4 … 30."""
    return 0.0 if deaths <= 1 else float(min(30, 2 ** (deaths - 2)))


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def empty(directory):
    """Makes the directory, empty. What was in it is deleted beside the way: gigabytes of RocksDB files must not hold up a restart."""
    if os.path.isdir(directory) and os.listdir(directory):
        old = tempfile.mkdtemp(prefix=os.path.basename(directory) + ".old-", dir=os.path.dirname(directory))
        os.rename(directory, os.path.join(old, "it"))
        threading.Thread(target=shutil.rmtree, args=(old,), kwargs={"ignore_errors": True}, daemon=True).start()
    os.makedirs(directory, exist_ok=True)


@dataclass
class Child:
    """A process to keep alive, and what became of it so far."""
    spec: object
    process: object = None
    started_at: str = ""
    started: float = 0.0
    deaths: list = field(default_factory=list)
    deaths_in_a_row: int = 0
    start_at: float = 0.0
    starts: int = 0
    # When it is killed although it was asked to end; 0 while nobody asked.
    kill_at: float = 0.0


class Supervisor:
    """
    Starts every spec and starts it again when it ends, until SIGTERM or SIGINT. Must be used from the main thread: signals, and
    PR_SET_PDEATHSIG (which follows the thread that forked), need it.

    `changed(children)` is called from `run` after every start, death and `hold`. While it is held, it ends its processes and starts none.
    """

    def __init__(self, specs, changed, clock=time.monotonic):
        self.children = [Child(spec) for spec in specs]
        self._changed = changed
        self._clock = clock
        self._stopping = False
        self._held = False
        self._hold_untold = False
        self._more = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)

    def run(self):
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # Wakes the loop; waiting is done there.
        try:
            while not self._stopping:
                self._take_in()
                self._hold_back() if self._held else self._start_due()
                if self._hold_untold:
                    self._hold_untold = False  # First, or a `hold` during the call would be lost.
                    self._changed(self.children)
                self._bound_output()
                self._sleep()
                self._reap()
        finally:
            self._end_all()

    def hold(self, held):
        """Ends all processes in order and starts none until `hold(False)`. From any thread; returns at once."""
        self._held, self._hold_untold = held, True
        self._wake_write.send(b"h")

    def add(self, specs):
        """Keeps these alive too. From any thread; returns at once."""
        self._more.extend(specs)
        with suppress(BlockingIOError):  # So much is unread that it wakes anyway.
            self._wake_write.send(b"a")

    def _take_in(self):
        while self._more:
            self.children.append(Child(self._more.popleft()))

    def _stop(self, *_):
        self._stopping = True

    def _hold_back(self):
        for child in self.children:
            if child.process is None:
                continue
            if not child.kill_at:
                child.kill_at = self._clock() + STOP_SECONDS
                child.process.terminate()
            elif self._clock() >= child.kill_at:
                child.process.kill()

    def _start_due(self):
        for child in self.children:
            if child.process is None and self._clock() >= child.start_at:
                self._start(child)

    def _start(self, child):
        parent, account = os.getpid(), child.spec.account
        with account.files():
            empty(child.spec.scratch)
            output = open(child.spec.output, "ab")
        with output:
            child.process = subprocess.Popen(
                child.spec.command_line(child.deaths_in_a_row < UNTRUSTED_DEATHS), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **child.spec.environment}, preexec_fn=lambda: end_with_parent(parent), **account.process())
        child.started_at, child.started, child.starts = now(), self._clock(), child.starts + 1
        self._changed(self.children)

    def _sleep(self):
        due = [child.kill_at if child.process else child.start_at for child in self.children if bool(child.process) == self._held]
        waits = [at - self._clock() for at in due]
        select.select([self._wake_read], [], [], max(0.0, min([5.0, *waits])))
        try:
            while self._wake_read.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _reap(self):
        for child in self.children:
            code = child.process.poll() if child.process else None
            if code is None:
                continue
            steady = self._clock() - child.started >= STEADY_SECONDS
            # An end that was asked for is no failure: the next start is at once.
            child.deaths_in_a_row = 0 if child.kill_at else 1 if steady else child.deaths_in_a_row + 1
            child.kill_at = 0.0
            child.start_at = self._clock() + restart_delay(child.deaths_in_a_row)
            child.deaths = [*child.deaths, {"at": now(), "how": _describe(code), "pid": child.process.pid}][-20:]
            child.process = None
            if child.start_at <= self._clock() and not self._stopping and not self._held:
                self._start(child)  # Reports the death and the new start together.
            else:
                self._changed(self.children)

    def _bound_output(self):
        for child in self.children:
            with suppress(OSError), child.spec.account.files():
                if os.path.getsize(child.spec.output) > OUTPUT_BYTES:
                    os.truncate(child.spec.output, 0)  # Opened for appending: the writer goes on at the new end.

    def _end_all(self):
        living = [child.process for child in self.children if child.process]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _describe(code):
    return "killed by %s" % signal.Signals(-code).name if code < 0 else "exit code %d" % code
