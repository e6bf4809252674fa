"""Synchronous collections."""

from mongodriver.synchronous.collection import Collection, ReturnDocument

__all__ = ["Collection", "ReturnDocument"]
