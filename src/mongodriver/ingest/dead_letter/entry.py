"""One record that could not be stored, and its entry in a dead letter.

An entry is a document of its own: `file`, `line`, `code`, `error`, and either the original
`document` or the text that is none, as `record`. In JSON, what neither can hold exactly comes
along as base64: the document as `bson`, the text as `bytes`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import bsonx
import bsonx.json_util as json_util
from bsonx import CodecOptions, DatetimeConversion
from bsonx.errors import BSONError
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.ingest.report import Code

_EXACT: CodecOptions[Mapping[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, tz_aware=True
)
_RELAXED = json_util.RELAXED_JSON_OPTIONS.with_options(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_CANONICAL = json_util.CANONICAL_JSON_OPTIONS.with_options(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_NOT_JSON = (ValueError, TypeError, KeyError, ArithmeticError, RecursionError, BSONError)
_NOT_BSON = (BSONError, TypeError, ValueError, OverflowError, RecursionError)


class BadEntry(ValueError):
    """Something in a dead letter that is no entry; str() says why."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record that is not in the collection.

    `source` and `position` say where it came from: the file and the line, or the number of the
    record, from 1. `code` is the server's number or one of the report's names; `document` is BSON.
    What is no document is `text`, of a `format` such as "csv". `id` is the `_id` that such a text
    gets when it is loaded after all, unless it brings one: so it is never loaded twice.
    """

    source: str
    position: int
    code: Code
    error: str
    document: bytes | None = None
    text: bytes | None = None
    format: str | None = None
    id: ObjectId | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Source and position: what tells records of a job apart."""
        return self.source, self.position

    def with_id(self) -> DeadRecord:
        """Return the record with the `_id` that its text is to get, if it is one of text."""
        if self.document is not None or self.id is not None:
            return self
        return replace(self, id=ObjectId())

    def to_bson(self) -> bytes:
        """Return the entry as a BSON document that holds the original one as it is."""
        entry = _head(self)
        if self.document is None:
            return bsonx.encode(entry | _text_fields(self, binary=True))
        try:
            return bsonx.encode({**entry, "document": RawBSONDocument(self.document)})
        except BSONError:  # bytes that are no BSON document
            return bsonx.encode({**entry, "bson": self.document})

    def to_json(self) -> str:
        """Return the entry as one line of extended JSON."""
        entry = _head(self)
        if self.document is None:
            entry |= _text_fields(self, binary=False)
            return _dumps(entry, _RELAXED)
        for options in (_RELAXED, _CANONICAL):
            # Relaxed JSON is what people like to repair; where that says less, it is the other.
            text = _exact_json(self.document, options)
            if text is not None:
                return _dumps(entry, _RELAXED)[:-1] + f', "document": {text}}}'
        entry["bson"] = base64.b64encode(self.document).decode()
        shown = _shown(self.document)
        if shown is not None:
            entry["document"] = shown
        return json.dumps(entry, ensure_ascii=False)


def from_json(line: str | bytes) -> DeadRecord:
    """Return the record of an entry in JSON, also of one that somebody has edited, or that was
    written before dead letters had ids. Raises BadEntry."""
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise BadEntry("the entry is no JSON object")
        if "bson" in entry and (document := _untouched(entry)) is not None:
            return _record(entry, document=document)
        entry = json_util.loads_strict(line)
    except BadEntry:
        raise
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadEntry(f"the entry is no JSON: {error}") from error
    except _NOT_JSON as error:
        raise BadEntry(f"the entry cannot be read: {error}") from error
    if isinstance(entry.get("document"), dict):
        try:
            return _record(entry, document=bsonx.encode(entry["document"]))
        except _NOT_BSON as error:
            raise BadEntry(f"the document cannot be encoded: {error}") from error
    if not isinstance(entry.get("record"), str):
        raise BadEntry("the entry has neither a document nor a record")
    return _record(entry, text=entry["record"].encode("utf-8", "surrogatepass"))


def from_bson(data: bytes) -> DeadRecord:
    """Return the record of an entry in BSON. Raises BadEntry."""
    try:
        raw = RawBSONDocument(data, CodecOptions(RawBSONDocument))
        entry = dict(raw)
    except (BSONError, ValueError) as error:
        raise BadEntry(f"the entry is no BSON document: {error}") from error
    document = entry.get("document")
    if isinstance(document, RawBSONDocument):
        return _record(entry, document=document.raw)
    if isinstance(entry.get("bson"), bytes):
        return _record(entry, document=entry["bson"])
    if not isinstance(entry.get("record"), str):
        raise BadEntry("the entry has neither a document nor a record")
    return _record(entry, text=entry["record"].encode("utf-8"))


def _head(record: DeadRecord) -> dict[str, Any]:
    error = record.error.encode("utf-8", "backslashreplace").decode()
    source = record.source.encode("utf-8", "backslashreplace").decode()
    return {"file": source, "line": record.position, "code": record.code, "error": error}


def _text_fields(record: DeadRecord, *, binary: bool) -> dict[str, Any]:
    raw = (record.text or b"").rstrip(b"\r\n")
    fields: dict[str, Any] = {"record": raw.decode("utf-8", "backslashreplace")}
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        fields["bytes"] = raw if binary else base64.b64encode(raw).decode()
    if record.format is not None:
        fields["format"] = record.format
    if record.id is not None:
        fields["id"] = record.id
    return fields


def _dumps(entry: Mapping[str, Any], options: json_util.JSONOptions) -> str:
    return json_util.dumps(entry, json_options=options, ensure_ascii=False)


def _exact_json(document: bytes, options: json_util.JSONOptions) -> str | None:
    """Return the document as JSON, if it can be read back as it is."""
    try:
        text = _dumps(bsonx.decode(document, _EXACT), options)
        same = bsonx.encode(json_util.loads_strict(text)) == document
        text.encode("utf-8")
    except (*_NOT_BSON, *_NOT_JSON):
        return None
    return text if same else None


def _shown(document: bytes) -> Any:
    """Return what plain JSON can show of a document that it cannot hold exactly, else None."""
    try:
        return json.loads(_dumps(bsonx.decode(document, _EXACT), _CANONICAL))
    except (*_NOT_BSON, *_NOT_JSON):
        return None


def _untouched(entry: Mapping[str, Any]) -> bytes | None:
    """Return the exact document of an entry, None where what is shown of it has been repaired."""
    try:
        document = base64.b64decode(entry["bson"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise BadEntry(f"the field bson is no base64: {error}") from error
    shown = entry.get("document")
    return document if shown is None or shown == _shown(document) else None


def _record(
    entry: Mapping[str, Any], *, document: bytes | None = None, text: bytes | None = None
) -> DeadRecord:
    position, code, form, known = (entry.get(name) for name in ("line", "code", "format", "id"))
    return DeadRecord(
        source=str(entry.get("file", "")),
        position=position if isinstance(position, int) else 0,
        code=code if isinstance(code, int | str) else "",
        error=str(entry.get("error", "")),
        document=document,
        text=text,
        format=form if isinstance(form, str) else None,
        id=known if isinstance(known, ObjectId) else None,
    )
