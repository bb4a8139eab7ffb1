"""Makes sure that every private address of the host's interface can be used by a process."""
import os
import socket
import subprocess


def usable(address):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
            return True
        except OSError:
            return False


def bring_up(mac, addresses, run=None):
    """
    Adds to the interface what the operating system did not: Amazon Linux configures secondary addresses by itself (some seconds
    after the boot), other images do not. Raises OSError when an address cannot be used in the end.
    """
    run = run or (lambda *command: subprocess.run(command, capture_output=True))
    for address in addresses:
        if usable(address):
            continue
        device = device_of(mac)
        if device and os.geteuid() == 0:
            run("ip", "address", "add", address + "/32", "dev", device)
        if not usable(address):
            raise OSError("the private address %s is not configured on this machine" % address)


def device_of(mac, network="/sys/class/net"):
    for name in sorted(os.listdir(network)):
        try:
            with open(os.path.join(network, name, "address")) as stream:
                if stream.read().strip().lower() == mac.lower():
                    return name
        except OSError:
            continue
    return None
