"""
The directory for Flink's working state: the instance store (local NVMe) where there is one, else the state volume (gp3) that the
cluster's launch template attaches, else the root volume. Several local disks are one striped device (README.md, "Several local disks").
"""
import os
import re
import subprocess

BY_ID = "/dev/disk/by-id"
INSTANCE_STORE = "nvme-Amazon_EC2_NVMe_Instance_Storage"
BLOCK_STORE = "nvme-Amazon_Elastic_Block_Store"
# The device of all local disks. It has no mark of its own on them: the same disks in the same order are the same device after a reboot.
STRIPED = "sluice-state"
DEVICES = "/dev/mapper"
# As much in a row on one disk, sectors of 512 bytes: what mdadm takes. A read of RocksDB's (a block of some KB) is one disk's, a compaction is
# all disks'.
CHUNK = 1024
# Sectors at the beginning of each disk that are left out: what a disk by itself has there is not taken for the device's, nor the other way
# round.
OFFSET = 2048
# No journal and no zeroing of inode tables: what lies there is rebuilt from S3 after a crash (`unclean`), and the boot should not wait.
MAKE = ("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard")


def disks(by_id=BY_ID):
    """Whole disks that carry Amazon's NVMe names, in the order of these: those of the instance store, and EBS volumes."""
    try:
        names = sorted(os.listdir(by_id))
    except OSError:
        return [], []
    # A disk has several names.
    return tuple(
        list(dict.fromkeys(os.path.realpath(os.path.join(by_id, name)) for name in names if name.startswith(kind) and "-part" not in name))
        for kind in (INSTANCE_STORE, BLOCK_STORE))


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


def sectors(device, blocks="/sys/class/block"):
    """The kernel counts 512 bytes, whatever the disk's own sectors have."""
    with open(os.path.join(blocks, os.path.basename(device), "size")) as stream:
        return int(stream.read())


def table(sizes):
    """
    Of the device-mapper, for disks by their size in sectors: data goes round them, chunk by chunk, as far as the smallest one reaches.
    https://docs.kernel.org/admin-guide/device-mapper/striped.html
    """
    each = (min(sizes.values()) - OFFSET) // CHUNK * CHUNK
    parts = " ".join("%s %d" % (disk, OFFSET) for disk in sizes)
    return "0 %d striped %d %d %s" % (each * len(sizes), len(sizes), CHUNK, parts)


def striped(local, run, say):
    """The device of all these disks; the first of them where the machine has no device-mapper."""
    device = os.path.join(DEVICES, STRIPED)
    if os.path.exists(device):
        return device
    try:
        run("dmsetup", "create", STRIPED, "--table", table({disk: sectors(disk) for disk in local}))
    except (OSError, subprocess.CalledProcessError) as error:
        say("of %d local disks one is used, the others cannot be joined: %s" % (len(local), getattr(error, "stderr", None) or error))
        return local[0]
    return device


def state_directory(home, say, run=None):
    """
    Makes and returns the state directory. With root rights and a free disk, the disk is mounted there; it is formatted only when it
    holds no file system yet, or one from before a crash, so an orderly reboot finds its local state again. Raises subprocess.CalledProcessError.
    """
    directory = os.path.join(home, "state")
    os.makedirs(directory, exist_ok=True)
    run = run or (lambda *command: subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if os.geteuid() != 0 or os.path.ismount(directory):
        return directory
    local, network = ([disk for disk in kind if free(disk)] for kind in disks())
    device = striped(local, run, say) if len(local) > 1 else next(iter([*local, *network]), None)
    if device:
        kind = run("lsblk", "-no", "FSTYPE", device).strip()
        if not kind or kind == "ext4" and unclean(run("dumpe2fs", "-h", device)):
            run(*MAKE, device)
        run("mount", "-o", "noatime", device, directory)
    return directory
