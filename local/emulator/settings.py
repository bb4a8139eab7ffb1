"""What can be changed while the emulator runs (PUT /_twin/settings)."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Settings:
    autoStart: bool = True
    """Instances reach `running` and `terminated` by themselves. A fleet agent sets false and reports instead."""
    bootDelaySeconds: float = 0.0
    """Least time an instance stays `pending`."""
    launchRetrySeconds: float = 1.0
    """First wait of a group after a failed launch; it doubles up to `launchRetryMaxSeconds`. Not as on AWS: minutes there."""
    launchRetryMaxSeconds: float = 8.0
    healthCheckSeconds: float = 0.0
    """Until a group finds that an instance has ended or stopped without its doing. Not as on AWS: it looks periodically there, and the documentation says nowhere how often."""
    terminationDelaySeconds: float = 0.0
    """With `autoStart`: least time an instance stays `shutting-down`."""
    asyncRetrySeconds: float = 60.0
    """Wait of Lambda before it tries an event again that a function failed with; the next is twice as long. As on AWS."""
    launchBeforeTerminate: bool = False
    """Auto Scaling's account setting of this name: an unhealthy instance stays until another has taken its place."""

    def update(self, values: dict) -> None:
        known = asdict(self)
        unknown = set(values) - set(known)
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))} (known: {', '.join(known)})")
        for name, value in values.items():
            setattr(self, name, bool(value) if isinstance(known[name], bool) else float(value))


settings = Settings()
