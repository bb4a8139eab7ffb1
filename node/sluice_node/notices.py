"""
Interruption notices of EC2, polled as AWS recommends (every 5 seconds):
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""
import json
import threading

from .imds import MetadataUnavailable

POLL_SECONDS = 5
PATHS = {"interruption": "meta-data/spot/instance-action", "rebalance": "meta-data/events/recommendations/rebalance"}


def read_notices(metadata):
    """{'interruption': {...}, 'rebalance': {...}}, without those that were not given."""
    found = {}
    for name, path in PATHS.items():
        text = metadata.find(path)
        if text:
            found[name] = json.loads(text)
    return found


def watch(metadata, changed, stop=None, seconds=POLL_SECONDS):
    """Calls `changed(notices)` from a thread of its own whenever they differ from before."""
    stop = stop or threading.Event()

    def poll():
        last = {}
        while not stop.wait(seconds):
            try:
                notices = read_notices(metadata)
            except (MetadataUnavailable, ValueError):
                continue
            if notices != last:
                last = notices
                changed(notices)

    threading.Thread(target=poll, name="notices", daemon=True).start()
    return stop
