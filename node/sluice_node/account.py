"""
The system user that Flink's processes run as where the node runs as root. A job's code may do what this user may: read Flink and its
configuration, write the directories that are its own. Mounts, addresses and the node's own program stay root's.
"""
import contextlib
import ctypes
import os
import pwd
import subprocess
from dataclasses import dataclass

# Set by the systemd unit. Unset: Flink runs as whoever runs the node, who must not be root then.
VARIABLE = "SLUICE_FLINK_USER"

_libc = ctypes.CDLL(None)


class AccountError(Exception):
    """Flink's processes cannot run as the user they are to run as."""


@dataclass(frozen=True)
class Account:
    """@default - whoever runs the node: nothing is given away, and nothing is done in another's name"""
    uid: int = -1
    gid: int = -1

    def process(self):
        """For subprocess: a process of this account, in no group but its own."""
        return {} if self.uid < 0 else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, directory):
        """
        Makes the directory and gives it to the account, unless it has it already, with all that is in it: root's, from when Flink ran as
        root. The directory itself comes last, so that what breaks off is done again.
        """
        os.makedirs(directory, exist_ok=True)
        if self.uid < 0 or os.lstat(directory).st_uid == self.uid:
            return
        for folder, folders, files in os.walk(directory, topdown=False):
            for name in (*folders, *files):
                os.chown(os.path.join(folder, name), self.uid, self.gid, follow_symlinks=False)
        os.chown(directory, self.uid, self.gid, follow_symlinks=False)

    @contextlib.contextmanager
    def files(self):
        """
        Reaches files with the account's rights, in this thread and in those that it starts meanwhile. What root does in a directory of the
        account's it does so: a link that a job has put there leads it no further than the job itself can go.
        https://man7.org/linux/man-pages/man2/setfsuid.2.html
        """
        if self.uid < 0:
            yield
            return
        group, user = _libc.setfsgid(self.gid), _libc.setfsuid(self.uid)
        try:
            yield
        finally:
            _libc.setfsuid(user)
            _libc.setfsgid(group)


def of_flink(run=subprocess.run):
    """The account that the environment names, made if it is not there. Raises AccountError."""
    name = os.environ.get(VARIABLE)
    if not name and os.geteuid() == 0:
        raise AccountError("%s is not set: jobs' code would run as root. Name the user that it is to run as" % VARIABLE)
    if not name:
        return Account()
    found = _find(name)
    if not found and os.geteuid() == 0:
        made = run(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/sbin/nologin", name], capture_output=True, text=True)
        if made.returncode != 0:
            raise AccountError("the user %s cannot be made: %s" % (name, made.stderr.strip()))
        found = _find(name)
    if not found:
        raise AccountError("there is no user %s" % name)
    if found.pw_uid == os.geteuid():
        return Account()
    if os.geteuid() != 0:
        raise AccountError("only root can run Flink as %s" % name)
    return Account(found.pw_uid, found.pw_gid)


def _find(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
