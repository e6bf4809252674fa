"""Unique identifiers of documents."""

from bsonx._impl import ObjectId
from bsonx.errors import InvalidId  # which code written for PyMongo imports from here
from bsonx.tz_util import utc

__all__ = ["InvalidId", "ObjectId", "utc"]
