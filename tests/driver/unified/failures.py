"""How a test of the unified format fails."""

from __future__ import annotations


class Mismatch(AssertionError):
    """What happened is not what was expected."""


class Unsupported(AssertionError):
    """The file asks for what the runner does not know, or asks in the wrong way."""
