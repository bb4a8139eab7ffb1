#!/bin/bash
# The first thing a node runs. The CDK stack replaces the words between double underscores.
# Nothing comes from the internet: the AWS CLI and Python 3.9+ are in the machine image, the rest is in S3.
set -eu
export AWS_REGION="__REGION__"
export AWS_DEFAULT_REGION="$AWS_REGION"
# The CLI's own limits are one second and one attempt, which a busy first minute does not always keep.
export AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5
bundle="s3://__BUNDLE_BUCKET__/__BUNDLE_KEY__"
home="${SLUICE_HOME:-/opt/sluice}"
mkdir -p "$home"
for attempt in 1 2 3 4 5; do
  if aws s3 cp --only-show-errors "$bundle" "$home/bundle.zip"; then
    break
  fi
  # The instance profile's rights may take some seconds to reach S3.
  if [ "$attempt" = 5 ]; then
    echo "Sluice: $bundle cannot be read" >&2
    exit 1
  fi
  sleep "$attempt"
done
python3 -m zipfile -e "$home/bundle.zip" "$home/bundle"
exec python3 "$home/bundle/bootstrap.py"
