"""A program that asks for the type of every public member of the classes and functions that users
meet: what mypy reveals must be the same for PyMongo and for our packages.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

#: Classes, with the type arguments they are looked at with.
_CLASSES = {
    "pymongo.mongo_client": {"MongoClient": "[Row]"},
    "pymongo.database": {"Database": "[Row]"},
    "pymongo.collection": {"Collection": "[Row]"},
    "pymongo.cursor": {"Cursor": "[Row]", "RawBatchCursor": "[Row]"},
    "pymongo.command_cursor": {"CommandCursor": "[Row]", "RawBatchCommandCursor": "[Row]"},
    "pymongo.change_stream": {
        "CollectionChangeStream": "[Row]",
        "DatabaseChangeStream": "[Row]",
        "ClusterChangeStream": "[Row]",
    },
    "pymongo.client_session": {"ClientSession": ""},
    "pymongo.encryption": {"ClientEncryption": "[Row]"},
    "pymongo.asynchronous.mongo_client": {"AsyncMongoClient": "[Row]"},
    "pymongo.asynchronous.database": {"AsyncDatabase": "[Row]"},
    "pymongo.asynchronous.collection": {"AsyncCollection": "[Row]"},
    "pymongo.asynchronous.cursor": {"AsyncCursor": "[Row]"},
    "pymongo.asynchronous.command_cursor": {"AsyncCommandCursor": "[Row]"},
    "pymongo.asynchronous.change_stream": {"AsyncCollectionChangeStream": "[Row]"},
    "pymongo.asynchronous.client_session": {"AsyncClientSession": ""},
    "pymongo.asynchronous.encryption": {"AsyncClientEncryption": "[Row]"},
    "pymongo.client_options": {"ClientOptions": ""},
    "pymongo.collation": {"Collation": ""},
    "pymongo.errors": dict.fromkeys(
        (
            *("AutoReconnect", "BulkWriteError", "ClientBulkWriteException", "OperationFailure"),
            *("PyMongoError", "ServerSelectionTimeoutError", "EncryptedCollectionError"),
        ),
        "",
    ),
    "pymongo.monitoring": dict.fromkeys(
        (
            *("CommandStartedEvent", "CommandSucceededEvent", "CommandFailedEvent"),
            *("CommandListener", "ServerHeartbeatSucceededEvent", "ServerHeartbeatFailedEvent"),
            *("TopologyDescriptionChangedEvent", "ServerDescriptionChangedEvent"),
            *("PoolCreatedEvent", "ConnectionCheckedOutEvent", "ConnectionClosedEvent"),
        ),
        "",
    ),
    "pymongo.operations": {
        **dict.fromkeys(("InsertOne", "ReplaceOne"), "[Row]"),
        **dict.fromkeys(("DeleteOne", "UpdateOne", "IndexModel", "SearchIndexModel"), ""),
    },
    "pymongo.read_concern": {"ReadConcern": ""},
    "pymongo.read_preferences": {"Nearest": "", "Primary": ""},
    "pymongo.results": dict.fromkeys(
        (
            *("BulkWriteResult", "ClientBulkWriteResult", "DeleteResult", "InsertManyResult"),
            *("InsertOneResult", "UpdateResult"),
        ),
        "",
    ),
    "pymongo.server_description": {"ServerDescription": ""},
    "pymongo.topology_description": {"TopologyDescription": ""},
    "pymongo.write_concern": {"WriteConcern": ""},
    "gridfs.synchronous.grid_file": dict.fromkeys(
        ("GridFS", "GridFSBucket", "GridIn", "GridOut", "GridOutCursor"), ""
    ),
    "gridfs.asynchronous.grid_file": dict.fromkeys(
        ("AsyncGridFSBucket", "AsyncGridIn", "AsyncGridOut"), ""
    ),
    "bson.binary": {"Binary": ""},
    "bson.code": {"Code": ""},
    "bson.codec_options": {"CodecOptions": "[Row]", "TypeRegistry": ""},
    "bson.datetime_ms": {"DatetimeMS": ""},
    "bson.dbref": {"DBRef": ""},
    "bson.decimal128": {"Decimal128": ""},
    "bson.objectid": {"ObjectId": ""},
    "bson.raw_bson": {"RawBSONDocument": ""},
    "bson.regex": {"Regex": "[str]"},
    "bson.son": {"SON": "[str, int]"},
    "bson.timestamp": {"Timestamp": ""},
}
_FUNCTIONS = {
    "pymongo": ("timeout",),
    "pymongo.uri_parser": ("parse_uri", "parse_host", "split_hosts"),
    "bson": ("encode", "is_valid"),
    "bson.json_util": ("dumps", "loads"),
}


def program() -> tuple[str, dict[int, str]]:
    """The program, written for PyMongo, and which member each of its lines asks for."""
    lines = ["from typing import TypedDict"]
    members = {}
    modules = [*_CLASSES, *_FUNCTIONS]
    for module in sorted(modules):
        names = [*_CLASSES.get(module, ()), *_FUNCTIONS.get(module, ())]
        lines.append(f"from {module} import {', '.join(names)}")
    lines += ["class Row(TypedDict):", "    a: int"]
    for module, functions in _FUNCTIONS.items():
        for name in functions:
            lines.append(f"reveal_type({name})")
            members[len(lines)] = f"{module}.{name}"
    for module, classes in _CLASSES.items():
        for name, arguments in classes.items():
            lines.append(f"reveal_type({name})")
            members[len(lines)] = name
            lines += [f"def _{name}(x: {name}{arguments}) -> None:", "    pass"]
            for member in _public(getattr(importlib.import_module(module), name)):
                lines.append(f"    reveal_type(x.{member})")
                members[len(lines)] = f"{name}.{member}"
    return "\n".join(lines) + "\n", members


def _public(cls: type) -> Iterator[str]:
    """The members that a class or its bases from the packages have, at run time."""
    for name in dir(cls):
        if (not name.startswith("_") and not hasattr(dict, name) and not hasattr(bytes, name)) or (
            name in ("__enter__", "__aenter__", "__getitem__", "__getattr__")
            and not (inspect.isbuiltin(getattr(cls, name)) or hasattr(tuple, name))
        ):
            yield name


#: PyMongo's take an alias that mypy resolves in some orders of modules only; pyright always does.
ALIASES = (
    *("MongoClient.bulk_write", "AsyncMongoClient.bulk_write", "Collection.bulk_write"),
    "AsyncCollection.bulk_write",
)
#: Members whose type is another one than PyMongo's, by the reason.
DIFFERENT = {
    "options for classes with fields give databases and collections of these": [
        *("MongoClient.get_database", "MongoClient.get_default_database"),
        *("AsyncMongoClient.get_database", "AsyncMongoClient.get_default_database"),
        *("Database.create_collection", "Database.get_collection"),
        *("AsyncDatabase.create_collection", "AsyncDatabase.get_collection"),
    ],
    "what is returned is a class of its own, which PyMongo's is the base of": [
        *("MongoClient.watch", "AsyncMongoClient.watch"),
        *("RawBatchCursor.__enter__", "RawBatchCommandCursor.__enter__", "GridOutCursor.__enter__"),
        *("CollectionChangeStream.__enter__", "DatabaseChangeStream.__enter__"),
        *("ClusterChangeStream.__enter__", "AsyncCollectionChangeStream.__aenter__"),
        *("ClientSession.start_transaction", "AsyncClientSession.start_transaction"),
    ],
    "what is returned is narrower, as it is": [
        "RawBSONDocument.raw",
        *("ClientEncryption.encrypt_expression", "AsyncClientEncryption.encrypt_expression"),
        "ClientOptions.event_listeners",
    ],
    "more is taken": [
        *("MongoClient.start_session", "AsyncMongoClient.start_session"),
        *("ClientOptions", "CodecOptions", "RawBSONDocument", "UpdateOne"),
        *("GridOut", "GridOut.readline", "AsyncGridOut", "AsyncGridOut.readline"),
        *("RawBatchCommandCursor", "TopologyDescription.apply_selector"),
    ],
    "said in another way": ["Binary.from_vector", "GridOut.readlines"],
}
