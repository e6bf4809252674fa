"""The MongoDB driver: PyMongo's API, synchronous and asynchronous, on one core."""

from __future__ import annotations

from bsonx import has_c
from mongodriver._version import get_version_string, version, version_tuple
from mongodriver.aliases import install_as_pymongo
from mongodriver.asynchronous.mongo_client import AsyncMongoClient
from mongodriver.collection import ReturnDocument
from mongodriver.common import MAX_SUPPORTED_WIRE_VERSION, MIN_SUPPORTED_WIRE_VERSION
from mongodriver.cursor import CursorType
from mongodriver.mongo_client import MongoClient
from mongodriver.operations import (
    DeleteMany,
    DeleteOne,
    IndexModel,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "GEO2D",
    "GEOSPHERE",
    "HASHED",
    "MAX_SUPPORTED_WIRE_VERSION",
    "MIN_SUPPORTED_WIRE_VERSION",
    "TEXT",
    "AsyncMongoClient",
    "CursorType",
    "DeleteMany",
    "DeleteOne",
    "IndexModel",
    "InsertOne",
    "MongoClient",
    "ReadPreference",
    "ReplaceOne",
    "ReturnDocument",
    "UpdateMany",
    "UpdateOne",
    "WriteConcern",
    "__version__",
    "get_version_string",
    "has_c",
    "install_as_pymongo",
    "version",
    "version_tuple",
]

__version__ = version

#: Sort and index order.
ASCENDING = 1
DESCENDING = -1
#: Kinds of index.
GEO2D = "2d"
GEOSPHERE = "2dsphere"
HASHED = "hashed"
TEXT = "text"
