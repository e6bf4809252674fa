"""Versions of servers, compared as numbers."""

from __future__ import annotations

from typing import Any

from .public_names import known_as

__all__ = ["Version"]


class Version(tuple[int, ...]):
    """A version of at least four numbers, the last -1 for whatever precedes a release."""

    def __new__(cls, *version: int) -> Version:
        return super().__new__(cls, (*version, *[0] * (4 - len(version))))

    @classmethod
    def from_string(cls, version_string: str) -> Version:
        """Parse "1.2.3", "1.2.3-rc1", "1.2+", "1.2.3.dev0"; ValueError for anything else."""
        text, modifier, bump = version_string, 0, False
        if text.endswith("+"):
            text, modifier = text[:-1], 1
        elif text.endswith("-pre-"):
            text, modifier = text[: -len("-pre-")], -1
        elif text.endswith("-"):
            text, modifier = text[:-1], -1
        if "-" in text:
            text, suffix = text.split("-", 1)
            modifier, bump = -1, not suffix.startswith("rc")
        for mark in ("b", "rc"):
            head, found, _ = text.rpartition(mark)
            if found and head.endswith("."):
                text, modifier = head[:-1], -1
        head, found, _ = text.partition(".dev")
        if found:
            text, modifier = head, -1
        numbers = [int(part) for part in text.split(".")]
        if bump:
            numbers[-1] += 1
        return cls(*numbers, *[0] * (3 - len(numbers)), modifier)

    @classmethod
    def from_version_array(cls, version_array: Any) -> Version:
        """Convert a server's `versionArray`."""
        numbers = list(version_array)
        if len(numbers) > 3 and numbers[-1] < 0:
            numbers[-1] = -1
        return cls(*numbers)

    def at_least(self, *other_version: Any) -> bool:
        """Return whether this version is the other one or newer."""
        return self >= Version(*other_version)

    def __str__(self) -> str:
        return ".".join(map(str, self))


known_as("mongodriver.common", globals())
