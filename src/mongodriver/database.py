"""Synchronous databases."""

from mongodriver.synchronous.database import Database

__all__ = ["Database"]
