"""Everything that is added to MiniStack, in the order it is added."""

from __future__ import annotations

import shutil

from . import (
    alarms,
    autoscaling,
    autoscaling_api,
    cloudformation_ec2,
    embedded_metrics,
    events,
    functions,
    gateway,
    hardware,
    http_api,
    iam,
    iam_resources,
    launch_templates,
    metric_search,
    moto_bridge,
    network,
    placement_groups,
    service_metrics,
    state_machines,
)


def install() -> None:
    moto_bridge.install()
    network.install()
    placement_groups.install()
    launch_templates.install()
    hardware.install()
    autoscaling_api.install()
    cloudformation_ec2.install()
    functions.install()
    embedded_metrics.install()
    state_machines.install()
    events.install()
    alarms.install()
    metric_search.install()
    iam.install()
    iam_resources.install()
    http_api.install()
    service_metrics.install()
    gateway.install()
    autoscaling.start()


def stop() -> None:
    """Ends what the emulator started."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    lambda_runtime.reset()
    shutil.rmtree(lambda_svc._PROVIDED_CODE_CACHE, ignore_errors=True)
