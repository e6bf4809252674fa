"""The classes whose objects are followed, and what their members give.

A kind is the name of a class: ``Collection``, ``AsyncCollection``, ``MotorCollection``. Without
what stands before it for the flavour it is the base of the kind.
"""

from __future__ import annotations

from typing import Any

from .installed import Missing, find, has_member
from .values import NONE, UNKNOWN, Instance, Value

__all__ = [
    "LIBRARIES",
    "base_of",
    "children_of",
    "class_of",
    "gives",
    "has_member_like",
    "is_of_library",
    "kind_of",
    "likely",
]

#: Where the classes are, but for what stands before the name of the asynchronous ones.
_CLASSES = {
    "MongoClient": "pymongo.{}.mongo_client.{}MongoClient",
    "Database": "pymongo.{}.database.{}Database",
    "Collection": "pymongo.{}.collection.{}Collection",
    "Cursor": "pymongo.{}.cursor.{}Cursor",
    "RawBatchCursor": "pymongo.{}.cursor.{}RawBatchCursor",
    "CommandCursor": "pymongo.{}.command_cursor.{}CommandCursor",
    "RawBatchCommandCursor": "pymongo.{}.command_cursor.{}RawBatchCommandCursor",
    "ClientSession": "pymongo.{}.client_session.{}ClientSession",
    "ChangeStream": "pymongo.{}.change_stream.{}ChangeStream",
    "ClientEncryption": "pymongo.{}.encryption.{}ClientEncryption",
    "GridFS": "gridfs.{}.grid_file.{}GridFS",
    "GridFSBucket": "gridfs.{}.grid_file.{}GridFSBucket",
    "GridIn": "gridfs.{}.grid_file.{}GridIn",
    "GridOut": "gridfs.{}.grid_file.{}GridOut",
    "GridOutCursor": "gridfs.{}.grid_file.{}GridOutCursor",
}
_ASYNC = "Async"
#: What stands before the names of classes that other libraries have made of PyMongo's.
_MOTOR, _FLASK = "Motor", "Flask"
#: Those libraries.
LIBRARIES = {"motor", "flask_pymongo"}

#: Classes that are not here, but whose objects programs use.
_OTHERS = {
    "pymongo.Connection": "MongoClient",
    "pymongo.ReplicaSetConnection": "MongoClient",
    "pymongo.MongoReplicaSetClient": "MongoClient",
    "pymongo.connection.Connection": "MongoClient",
    "pymongo.mongo_replica_set_client.MongoReplicaSetClient": "MongoClient",
    **{
        f"motor.motor_{module}.{prefix}Motor{name}": f"{_MOTOR}{base}"
        for module, prefix in (("asyncio", "AsyncIO"), ("tornado", ""))
        for name, base in (
            *(("Client", "MongoClient"), ("Database", "Database"), ("Collection", "Collection")),
            *(("Cursor", "Cursor"), ("CommandCursor", "CommandCursor")),
            *(("ClientSession", "ClientSession"), ("GridFSBucket", "GridFSBucket")),
        )
    },
    "motor.MotorClient": f"{_MOTOR}MongoClient",
    "flask_pymongo.PyMongo": f"{_FLASK}PyMongo",
    **{
        f"flask_pymongo.wrappers.{base}": f"{_FLASK}{base}"
        for base in ("MongoClient", "Database", "Collection")
    },
}

#: What attributes and subscripts of some kinds give, where there is no member of that name.
_CHILDREN = {"MongoClient": "Database", "Database": "Collection", "Collection": "Collection"}

_SAME = "itself"
#: What members give, methods when they are called; the others are not followed.
_GIVES: dict[str, dict[str, str]] = {
    "MongoClient": {
        "get_database": "Database",
        "get_default_database": "Database",
        "start_session": "ClientSession",
        "watch": "ChangeStream",
        "list_databases": "CommandCursor",
    },
    "PyMongo": {"cx": "MongoClient", "db": "Database"},
    "Database": {
        "client": "MongoClient",
        "with_options": _SAME,
        "get_collection": "Collection",
        "create_collection": "Collection",
        "aggregate": "CommandCursor",
        "list_collections": "CommandCursor",
        "cursor_command": "CommandCursor",
        "watch": "ChangeStream",
    },
    "Collection": {
        "database": "Database",
        "with_options": _SAME,
        "find": "Cursor",
        "find_raw_batches": "RawBatchCursor",
        "aggregate": "CommandCursor",
        "aggregate_raw_batches": "RawBatchCommandCursor",
        "list_indexes": "CommandCursor",
        "list_search_indexes": "CommandCursor",
        "watch": "ChangeStream",
    },
    "Cursor": {
        "collection": "Collection",
        "session": "ClientSession",
        **dict.fromkeys(
            (
                *("add_option", "allow_disk_use", "batch_size", "clone", "collation", "comment"),
                *("hint", "limit", "max", "max_await_time_ms", "max_scan", "max_time_ms", "min"),
                *("remove_option", "rewind", "skip", "sort", "where"),
            ),
            _SAME,
        ),
    },
    "CommandCursor": {"session": "ClientSession", "batch_size": _SAME},
    "ClientSession": {"client": "MongoClient"},
    "GridFS": {
        "new_file": "GridIn",
        "get": "GridOut",
        "get_version": "GridOut",
        "get_last_version": "GridOut",
        "find_one": "GridOut",
        "find": "GridOutCursor",
    },
    "GridFSBucket": {
        "open_upload_stream": "GridIn",
        "open_upload_stream_with_id": "GridIn",
        "open_download_stream": "GridOut",
        "open_download_stream_by_name": "GridOut",
        "find": "GridOutCursor",
    },
}


def base_of(kind: str) -> str:
    """A kind without its flavour."""
    for prefix in (_ASYNC, _MOTOR, _FLASK):
        kind = kind.removeprefix(prefix)
    return kind


def is_of_library(kind: str) -> bool:
    """Whether it is a class that another library has made of one of PyMongo's."""
    return kind.startswith((_MOTOR, _FLASK))


def _sibling(kind: str, base: str) -> str:
    """The kind of the same flavour with another base."""
    return kind.removesuffix(base_of(kind)) + base


def class_of(kind: str) -> type[Any] | None:
    """Our class for a kind; None for those of other libraries."""
    return None if is_of_library(kind) else _class_like(kind)


def _class_like(kind: str) -> type[Any] | None:
    """Our class for a kind, or that which another library's class is like."""
    path = _CLASSES.get(base_of(kind))
    if path is None:
        return None
    is_async = kind.startswith((_ASYNC, _MOTOR))
    found = find(
        path.format("asynchronous", _ASYNC) if is_async else path.format("synchronous", "")
    )
    return found if isinstance(found, type) else None


def kind_of(path: str) -> str | None:
    """The kind of a class by its dotted name; None if its objects are not followed."""
    if path in _OTHERS or path.split(".")[0] in LIBRARIES:
        return _OTHERS.get(path)
    found = find(path)
    if isinstance(found, Missing) or not isinstance(found, type):
        return None
    name = found.__name__
    return name if base_of(name) in _CLASSES and class_of(name) is found else None


def has_member_like(kind: str, name: str) -> bool:
    """Whether objects of a kind have a member, as far as another library's are like ours."""
    owner = _class_like(kind)
    return owner is not None and has_member(owner, name)


def children_of(kind: str) -> str | None:
    """What an unknown attribute, or a subscript, of this kind is; None if it is nothing."""
    child = _CHILDREN.get(base_of(kind))
    return None if child is None else _sibling(kind, child)


def gives(kind: str, name: str) -> str | None:
    """The kind that a property is, or a method returns (or its coroutine); None for others."""
    base = base_of(kind)
    given = _GIVES.get(base, {}).get(name)
    if given is None and base in ("RawBatchCursor", "GridOutCursor"):
        given = _GIVES["Cursor"].get(name)
    if given is None and base == "RawBatchCommandCursor":
        given = _GIVES["CommandCursor"].get(name)
    if given is None:
        return None
    return kind if given is _SAME else _sibling(kind, given)


def likely(value: Value) -> Value:
    """What a variable is that is given in one place and made in another.

    Where it is a client, database or collection in one of them it is taken for one in the others,
    unless they say that it is something else.
    """
    rest = value - UNKNOWN
    kinds = {item.kind if isinstance(item, Instance) else "" for item in rest - NONE}
    if len(kinds) == 1 and base_of(kinds.pop()) in _CHILDREN:
        return rest
    return value
