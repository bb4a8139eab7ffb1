"""
The control plane's word that this host shall be empty: an EC2 tag of the instance, read through instance metadata. On Nitro hypervisors the
metadata follows a tag while the instance runs, on older ones only after a stop and a start:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
"""
import threading

from .imds import MetadataUnavailable

# Link-local and not counted by EC2: what is waited for is the tag, not the node.
POLL_SECONDS = 1
PATH = "meta-data/tags/instance/sluice:drain"


def wanted(metadata):
    """Who asked for it (an operation's id), or None. Raises MetadataUnavailable."""
    return metadata.find(PATH) or None


def watch(metadata, changed, stop=None, seconds=POLL_SECONDS):
    """Calls `changed(wanted)` from a thread of its own whenever it differs from before; None is what holds before the first look."""
    stop = stop or threading.Event()

    def poll():
        last = None
        while True:
            try:
                now = wanted(metadata)
            except MetadataUnavailable:
                now = last  # Not to be seen is not taken back.
            if now != last:
                last = now
                changed(now)
            if stop.wait(seconds):
                return

    threading.Thread(target=poll, name="drain", daemon=True).start()
    return stop
