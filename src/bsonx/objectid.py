"""Unique identifiers of documents."""

from bsonx._impl import ObjectId

__all__ = ["ObjectId"]
