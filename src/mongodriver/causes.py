"""What the causes of a `ServerSelectionTimeoutError` are made of. PyMongo has nothing like it."""

from __future__ import annotations

from mongodriver.values.causes import Cause, CauseKind

__all__ = ["Cause", "CauseKind"]
