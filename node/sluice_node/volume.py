"""The directory for Flink's working state: the instance store (local NVMe) where there is one, else the root (gp3) volume."""
import os
import subprocess

BY_ID = "/dev/disk/by-id"


def instance_store(by_id=BY_ID):
    """Devices of the NVMe instance store: Amazon's own model name tells them from EBS volumes. Partitions are left out."""
    try:
        names = sorted(os.listdir(by_id))
    except OSError:
        return []
    found = {os.path.realpath(os.path.join(by_id, name)) for name in names if "Amazon_EC2_NVMe_Instance_Storage" in name and "-part" not in name}
    return sorted(found)


def state_directory(home, run=None):
    """
    Makes and returns the state directory. With root rights and an instance store, the first device of it is formatted (its content
    does not outlive the instance anyway) and mounted there; a device that is mounted already is left as it is.
    """
    directory = os.path.join(home, "state")
    os.makedirs(directory, exist_ok=True)
    run = run or (lambda *command: subprocess.run(command, check=True, capture_output=True))
    if os.geteuid() != 0 or os.path.ismount(directory):
        return directory
    devices = instance_store()
    if not devices or _mounted(devices[0]):
        return directory
    # No journal and no zeroing of inode tables: RocksDB's files are rebuilt from S3 after a crash, and the mount should not wait.
    run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", devices[0])
    run("mount", "-o", "noatime", devices[0], directory)
    return directory


def _mounted(device):
    with open("/proc/mounts") as mounts:
        return any(line.split(" ", 1)[0] == device for line in mounts)
