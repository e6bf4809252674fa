"""What ends an export."""

from __future__ import annotations

__all__ = ["ExportError"]


class ExportError(Exception):
    """The export could not be done; the message says why, in one line."""
