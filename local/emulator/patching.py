"""Replacing functions of the pinned packages. A name that is gone must stop the start, not change behaviour in silence."""

from __future__ import annotations

from typing import Any


class PatchedNameMissing(RuntimeError):
    """The installed package is not the pinned one, or the pin was raised without looking at local/emulator."""


def replace(owner: Any, name: str, new: Any) -> Any:
    """Sets `owner.name` to `new` and returns what was there before."""
    if not hasattr(owner, name):
        raise PatchedNameMissing(f"{getattr(owner, '__name__', owner)}.{name} does not exist: check the versions in local/requirements.txt")
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


def add(owner: Any, name: str, new: Any) -> None:
    """Adds `owner.name`, which must not exist yet: if it does, the package has learnt it and ours can probably go."""
    if hasattr(owner, name):
        raise PatchedNameMissing(f"{getattr(owner, '__name__', owner)}.{name} exists now: see whether local/emulator still needs its own")
    setattr(owner, name, new)
