"""Fixtures of every test folder."""

from __future__ import annotations

from implementations import both, bx

__all__ = ["both", "bx"]
