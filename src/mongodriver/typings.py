"""Names for types that annotations of programs may use."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Union

if TYPE_CHECKING:
    from bsonx.raw_bson import RawBSONDocument
    from mongodriver.values.collation import Collation
    from mongodriver.values.requests import (
        DeleteMany,
        DeleteOne,
        InsertOne,
        ReplaceOne,
        UpdateMany,
        UpdateOne,
    )

__all__ = [
    "ClusterTime",
    "_Address",
    "_CollationIn",
    "_DocumentOut",
    "_DocumentType",
    "_DocumentTypeArg",
    "_Pipeline",
    "strip_optional",
]

_T = TypeVar("_T")

#: A host's name or address, and its port; None for a Unix socket.
_Address = tuple[str, int | None]
_Pipeline = Sequence[Mapping[str, Any]]
_CollationIn = Union[Mapping[str, Any], "Collation"]
_DocumentOut = Union[MutableMapping[str, Any], "RawBSONDocument"]
ClusterTime = Mapping[str, Any]
#: Keys of an index, or the order of results: names and (name, direction) pairs, or a mapping.
_Keys = Sequence[str | tuple[str, int | str | Mapping[str, Any]]] | Mapping[str, Any]
#: Of an index: its name, or its keys.
_Hint = str | _Keys
_DocumentType = TypeVar("_DocumentType", bound=Mapping[str, Any])
_DocumentTypeArg = TypeVar("_DocumentTypeArg", bound=Mapping[str, Any])


if TYPE_CHECKING:
    from typing import TypeAlias

    from bsonx._documents import Document

    _D = TypeVar("_D", bound=Document)
    #: What bulk writes are made of.
    _WriteOp: TypeAlias = (
        InsertOne[_D] | DeleteOne | DeleteMany | ReplaceOne[_D] | UpdateOne | UpdateMany
    )


def strip_optional(elem: _T | None) -> _T:
    """What is not None, for type checkers.

    :raises AssertionError: for None.
    """
    assert elem is not None
    return elem
