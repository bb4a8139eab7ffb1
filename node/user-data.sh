#!/bin/bash
# The first thing a node runs. The CDK stack replaces the words between double underscores.
# Nothing comes from the internet: the AWS CLI and Python 3.9+ are in the machine image, the rest is in S3.
set -eu
# Flink runs as a user of its own, which reads what root puts below $SLUICE_HOME, also where the image is stricter.
umask 022
export AWS_REGION="__REGION__"
export AWS_DEFAULT_REGION="$AWS_REGION"
# The CLI's own limits are one second and one attempt, which a busy first minute does not always keep.
export AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5
bundle="s3://__BUNDLE_BUCKET__/__BUNDLE_KEY__"
home="${SLUICE_HOME:-/opt/sluice}"

# As bootstrap.py tells a machine of its own from a process on somebody else's.
own_machine=no
if [ -d "${SLUICE_SYSTEMD_DIRECTORY:-/run/systemd/system}" ] && [ "$(id -u)" = 0 ] && [ -z "${SLUICE_FOREGROUND:-}" ]; then
  own_machine=yes
fi

# A host that runs nothing costs what one that works costs. Shutting down terminates it (InstanceInitiatedShutdownBehavior), and its group replaces it.
give_up() {
  status="$1"
  if [ "$status" != 0 ]; then
    echo "Sluice: this host could not be set up (status $status)" >&2
    if [ "$own_machine" = yes ]; then
      shutdown -h now
    fi
  fi
}
trap 'give_up $?' EXIT

fetch() {
  aws s3 cp --only-show-errors "$bundle" "$home/bundle.zip" && python3 -m zipfile -e "$home/bundle.zip" "$home/bundle"
}

mkdir -p "$home"
# The instance profile's rights may take some seconds to reach S3, and S3 may have a bad minute: three minutes of pauses in all.
for pause in 1 2 4 8 15 30 30 30 30 30 0; do
  if fetch; then
    break
  fi
  if [ "$pause" = 0 ]; then
    echo "Sluice: $bundle cannot be read" >&2
    exit 1
  fi
  sleep "$pause"
done

if [ "$own_machine" = yes ]; then
  # Hands over to systemd and comes back.
  python3 "$home/bundle/bootstrap.py"
else
  # The process that runs the user data is the machine: signals are for the supervisor, and its end is the machine's.
  exec python3 "$home/bundle/bootstrap.py"
fi
