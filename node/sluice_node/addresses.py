"""Makes sure that every private address of the host's interface can be used by a process."""
import itertools
import os
import socket
import subprocess
import threading
import time

# How often the metadata is asked for addresses: in the first minute, in which they come, and after it.
SOON_SECONDS, LATER_SECONDS = 0.5, 5.0


def _run(*command):
    subprocess.run(command, capture_output=True)


def usable(address):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
            return True
        except OSError:
            return False


def keep_to_ourselves(mac, run=None, network="/sys/class/net", systemd="/run/systemd/system"):
    """
    Has Amazon Linux leave the interface's further addresses alone. It looks for them each minute and reloads its network to configure them: the primary one
    is given up for that, most often for less than a second (https://github.com/amazonlinux/amazon-linux-2023/issues/1127), and an error of the metadata takes
    the others away again (https://github.com/amazonlinux/amazon-ec2-net-utils/issues/161). Other systems have no such timer. Until the next boot.
    """
    device = device_of(mac, network)
    if device and os.geteuid() == 0 and os.path.isdir(systemd):
        (run or _run)("systemctl", "mask", "--now", "--runtime", "refresh-policy-routes@%s.timer" % device)


def bring_up(mac, addresses, run=None):
    """
    Adds to the interface what the operating system did not: Amazon Linux configures secondary addresses that are there when it boots, other images do not.
    Raises OSError when an address cannot be used in the end.
    """
    for address in addresses:
        if usable(address):
            continue
        device = device_of(mac)
        if device and os.geteuid() == 0:
            (run or _run)("ip", "address", "add", address + "/32", "dev", device)
        if not usable(address):
            raise OSError("the private address %s is not configured on this machine" % address)


def follow(metadata, there, count, found, say, sleep=time.sleep):
    """
    Waits in a thread of its own until the interface has `count` addresses. Calls `found` with all of them when others have come: those before, which have
    processes, and the others after them.
    """
    def wait():
        known, said = list(there), None
        for asked in itertools.count():
            if len(known) >= count:
                return
            sleep(SOON_SECONDS if asked * SOON_SECONDS < 60 else LATER_SECONDS)
            try:
                now = [*known, *(address for address in metadata.addresses()[1] if address not in known)][:count]
                if len(now) > len(known):
                    found(now, len(known))
                    known = now
            except Exception as error:  # noqa: BLE001  (whatever it is, the next look may find it gone; until then the host has fewer processes)
                if str(error) != said:
                    said = str(error)
                    say("the host's other addresses cannot be used yet: %s" % said)

    thread = threading.Thread(target=wait, name="addresses", daemon=True)
    thread.start()
    return thread


def device_of(mac, network="/sys/class/net"):
    for name in sorted(os.listdir(network)):
        try:
            with open(os.path.join(network, name, "address")) as stream:
                if stream.read().strip().lower() == mac.lower():
                    return name
        except OSError:
            continue
    return None
