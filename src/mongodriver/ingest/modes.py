"""From documents to what is sent for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from bsonx import encode
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.raw_bson import RawBSONDocument
from mongodriver.ingest.batch import PARSE, Batch, Reject
from mongodriver.values.sequences import EncodedDocuments

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions, Mode

__all__ = ["Prepared", "kind_of", "prepare"]

_RAW: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_MISSING: Any = object()


def kind_of(options: IngestOptions) -> tuple[str, bool]:
    """The command of a mode, and whether no statement of it touches many documents."""
    if options.mode == "insert":
        return "insert", True
    if options.mode == "delete":
        return "delete", options.keys == ("_id",)
    return "update", True


class Prepared:
    """The documents of a batch with what is sent for each.

    :param groups: a number for each document, the same for those with the same key; None where
        keys do not matter.
    """

    __slots__ = ("documents", "groups", "positions", "rejects", "statements")

    def __init__(
        self,
        documents: EncodedDocuments,
        statements: EncodedDocuments,
        positions: Any,
        rejects: list[Reject],
        groups: list[int] | None = None,
    ) -> None:
        self.documents = documents
        self.statements = statements
        self.positions = positions
        self.rejects = rejects
        self.groups = groups


def prepare(batch: Batch, options: IngestOptions) -> Prepared:
    """What is to be sent for a batch. Documents without what it needs are rejected."""
    documents = EncodedDocuments(batch.data, batch.ends)
    rejects = [*batch.rejects]
    positions = batch.positions
    if options.renames_id:
        documents, positions = _with_ids(documents, positions, rejects, str(options.id_field))
    if not options.by_key and not options.keeps_key_order:
        return Prepared(documents, documents, positions, rejects)
    kept, places, statements, groups = [], [], [], []
    for index in range(len(documents)):
        document = documents.document(index)
        whole = RawBSONDocument(document, _RAW)
        try:
            key = {name: _key_part(whole, name) for name in options.keys}
            if options.by_key:
                statements.append(_statement(whole, key, options.mode))
        except KeyError as error:
            problem = str(error.args[0])
            rejects.append(Reject(positions[index], problem, PARSE, document=document))
            continue
        kept.append(document)
        places.append(positions[index])
        groups.append(crc32(encode(key)))
    documents = EncodedDocuments.of(kept)
    sent = EncodedDocuments.of(statements) if options.by_key else documents
    return Prepared(documents, sent, places, rejects, groups)


def _with_ids(
    documents: EncodedDocuments, positions: Any, rejects: list[Reject], name: str
) -> tuple[EncodedDocuments, list[int]]:
    """The documents whose field `name` has become their `_id`."""
    kept, places = [], []
    for index in range(len(documents)):
        document = documents.document(index)
        fields = dict(RawBSONDocument(document, _RAW))
        problem = "the record has an _id" if "_id" in fields else None
        if problem is None and name not in fields:
            problem = f"the record has no {name!r}"
        if problem is not None:
            rejects.append(Reject(positions[index], problem, PARSE, document=document))
            continue
        kept.append(encode({"_id": fields.pop(name), **fields}))
        places.append(positions[index])
    return EncodedDocuments.of(kept), places


def _key_part(document: Any, path: str) -> Any:
    """The value of a field of the key. KeyError with a sentence for what is no key."""
    value = document
    for name in path.split("."):
        value = value.get(name, _MISSING) if isinstance(value, RawBSONDocument) else _MISSING
    if value is _MISSING:
        raise KeyError(f"the record has no {path!r}")
    if isinstance(value, list) or (value is None and path != "_id"):
        # A query for it would find other documents as well.
        kind = "null" if value is None else "an array"
        raise KeyError(f"the key {path!r} must not be {kind}")
    return value


def _statement(document: Any, key: dict[str, Any], mode: Mode) -> bytes:
    query = {name: {"$eq": value} for name, value in key.items()}
    if mode == "delete":
        return encode({"q": query, "limit": 1 if list(key) == ["_id"] else 0})
    change: Any = document
    if mode == "merge":
        change = {name: value for name, value in document.items() if name not in key}
        if any(name.startswith("$") or "." in name for name in change):
            change = [{"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": change}]}}]
        elif change:
            change = {"$set": change}
        else:
            change = {"$setOnInsert": key}
    elif any(name.startswith("$") for name in document):
        raise KeyError("names of fields that begin with $ would be taken for operators")
    statement = {"q": query, "u": change}
    if mode != "replace":
        statement["upsert"] = True
    return encode(statement)
