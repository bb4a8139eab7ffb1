"""
The directory for Flink's working state: the instance store (local NVMe) where there is one, else the state volume (gp3) that the
cluster's launch template attaches, else the root volume.
"""
import os
import re
import subprocess

BY_ID = "/dev/disk/by-id"
INSTANCE_STORE = "nvme-Amazon_EC2_NVMe_Instance_Storage"
BLOCK_STORE = "nvme-Amazon_Elastic_Block_Store"
# No journal and no zeroing of inode tables: what lies there is rebuilt from S3 after a crash (`unclean`), and the boot should not wait.
MAKE = ("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard")


def disks(by_id=BY_ID):
    """Whole disks that carry Amazon's NVMe names: those of the instance store first, then EBS volumes."""
    try:
        names = sorted(os.listdir(by_id))
    except OSError:
        return []
    found = []
    for kind in (INSTANCE_STORE, BLOCK_STORE):
        for name in names:
            device = os.path.realpath(os.path.join(by_id, name))
            if name.startswith(kind) and "-part" not in name and device not in found:
                found.append(device)
    return found


def free(device, mounts="/proc/mounts", blocks="/sys/class/block"):
    """Neither mounted nor partitioned: the root disk always is one of them."""
    name = os.path.basename(device)
    with open(mounts) as lines:
        if any(line.split(" ", 1)[0].startswith(device) for line in lines):
            return False
    try:
        return not any(entry.startswith(name) for entry in os.listdir(os.path.join(blocks, name)))
    except OSError:
        return False


def unclean(header):
    """
    Whether dumpe2fs tells of a file system that nobody unmounted. The kernel mounts it all the same, and without a journal, nobody
    knows whose blocks its files have.
    """
    return not re.search(r"^Filesystem state: +clean$", header, re.MULTILINE)


def state_directory(home, run=None):
    """
    Makes and returns the state directory. With root rights and a free disk, the disk is mounted there; it is formatted only when it
    holds no file system yet, or one from before a crash, so an orderly reboot finds its local state again. Raises subprocess.CalledProcessError.
    """
    directory = os.path.join(home, "state")
    os.makedirs(directory, exist_ok=True)
    run = run or (lambda *command: subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if os.geteuid() != 0 or os.path.ismount(directory):
        return directory
    device = next((disk for disk in disks() if free(disk)), None)
    if device:
        kind = run("lsblk", "-no", "FSTYPE", device).strip()
        if not kind or kind == "ext4" and unclean(run("dumpe2fs", "-h", device)):
            run(*MAKE, device)
        run("mount", "-o", "noatime", device, directory)
    return directory
