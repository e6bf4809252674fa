"""Documents that a unique index has already: whose they are, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx import encode
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.raw_bson import RawBSONDocument

if TYPE_CHECKING:
    from mongodriver.ingest.work import Work

__all__ = ["arrived_before", "is_duplicate", "is_duplicate_id", "replacement"]

_DUPLICATE_KEY = frozenset({11000, 11001, 12582})
_RAW: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


def is_duplicate(error: Mapping[str, Any]) -> bool:
    """Whether a unique index was what refused a document."""
    return error.get("code") in _DUPLICATE_KEY


def is_duplicate_id(error: Mapping[str, Any]) -> bool:
    """Whether that was the index of `_id`."""
    if not is_duplicate(error):
        return False
    pattern = error.get("keyPattern")  # told by servers from 4.2 on
    return list(pattern) == ["_id"] if pattern else "_id_" in str(error.get("errmsg", ""))


async def arrived_before(
    work: Work, duplicates: Sequence[int], accepted: Iterable[int]
) -> set[int]:
    """Those of the documents refused for their `_id` that an earlier attempt had stored.

    Where readers have made all ids they must be ours. An id that came with a document may be that
    of a real duplicate: then what the server has under it is compared with what we sent.

    :param accepted: those that the last attempt has stored.
    """
    if work.own_ids or not duplicates:
        return set(duplicates)
    ours = {index: _id_first(work.documents.document(index)) for index in duplicates}
    unclaimed = await work.target.stored(ours.values())
    doubtful = set(ours.values())
    for index in accepted:
        if unclaimed & doubtful:
            unclaimed.discard(_id_first(work.documents.document(index)))
    arrived = set()
    for index, document in ours.items():
        if document in unclaimed:
            unclaimed.remove(document)  # another one that looks the same is a real duplicate
            arrived.add(index)
    return arrived


def _id_first(document: bytes) -> bytes:
    """A document as the server keeps it."""
    if document[5:9] == b"_id\0":
        return document
    return encode(dict(RawBSONDocument(document, _RAW)))


def replacement(document: bytes, error: Mapping[str, Any], own_id: bool) -> bytes:
    """The update that puts a document in the place of the one that has its key.

    It adds nothing where there is none any more: an upsert whose filter finds another document than
    the one in the index, as it may with a partial index, is tried by servers for ever.

    :param error: of the index, which says the key.
    :param own_id: the `_id` of the document was made for it: the other one keeps its own.
    :raises ValueError: for what would be taken for operators.
    """
    whole = RawBSONDocument(document, _RAW)
    change: Any = whole
    pattern, collation = error.get("keyPattern"), error.get("collation")
    if is_duplicate_id(error) or not pattern:
        query = {"_id": whole["_id"]}
    else:
        query = {name: _value_at(whole, name) for name in pattern}
        if not collation:  # that of an array is one of its items; with a collation it is no text
            query |= error.get("keyValue") or {}
        if own_id:
            change = {name: value for name, value in whole.items() if name != "_id"}
    if next(iter(change), "").startswith("$"):
        raise ValueError("names of fields that begin with $ would be taken for operators")
    statement = {"q": {name: {"$eq": value} for name, value in query.items()}, "u": change}
    if collation and not is_duplicate_id(error):
        statement["collation"] = collation
    return encode(statement)


def _value_at(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
