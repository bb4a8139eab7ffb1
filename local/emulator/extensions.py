"""Everything that is added to MiniStack, in the order it is added."""

from __future__ import annotations

from . import autoscaling, autoscaling_api, cloudformation_ec2, events, gateway, hardware, moto_bridge, network


def install() -> None:
    moto_bridge.install()
    network.install()
    hardware.install()
    autoscaling_api.install()
    cloudformation_ec2.install()
    events.install()
    gateway.install()
    autoscaling.start()


def stop() -> None:
    """Ends what the emulator started."""
    from ministack.core import lambda_runtime
    lambda_runtime.reset()
