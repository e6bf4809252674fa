"""Values and errors as texts that can be compared: without names of packages, ids and times."""

from __future__ import annotations

import datetime
import pickle
import re
import uuid
from collections.abc import Mapping
from typing import Any

import bsonx

_OBJECT_ID = re.compile(r"ObjectId\('[0-9a-f]{24}'\)")
_TIMESTAMP = re.compile(r"Timestamp\(\d+, \d+\)")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_CURSOR_ID = re.compile(r"\b\d{12,20}\b")
_CLIENT = re.compile(r"(Async)?MongoClient\(host=\[.*?event_listeners=\[.*?\]\)")
_UPLOAD_DATE = re.compile(r"'uploadDate': datetime\.datetime\([^()]*\)")
_TIMES = re.compile(
    r"'(\$clusterTime|operationTime|electionId|opTime)': "
    r"(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|T\(\)|OID|SON\(\[.*?\]\)\)\]\))"
)
_NUMBER = re.compile(r"('txnNumber':|txnNumber:|transaction number|transaction number is) \d+")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TOKEN = re.compile(r'_data: "[0-9A-F]+"')
_TOPOLOGY = re.compile(r"rtt: [0-9.e-]+|id: OID|id: [0-9a-f]{24}")
#: What shows as any object in PyMongo; in ours, whose it is and how far.
_OPAQUE = re.compile(
    r"<(?:\w+\.)*((?:Async)?(?:(?:RawBatch)?(?:Command)?Cursor|GridOutCursor|ClientSession"
    r"|\w*ChangeStream|GridFS|GridFSBucket|GridIn|GridOut))\b[^<>]*>"
)
_GRIDFS = re.compile(r"((?:Async)?GridFS(?:Bucket)?)\((?:Async)?Database\([^()]*\), '[^']*'\)")

#: Fields whose values differ from one run to the next; that they are there is compared.
_VOLATILE = frozenset(
    (
        *("lsid", "$clusterTime", "operationTime", "electionId", "opTime", "txnNumber", "_data"),
        *("clusterTime", "wallTime", "uploadDate", "localTime", "topologyVersion", "connectionId"),
        *(
            "atClusterTime",
            "afterClusterTime",
            "startAtOperationTime",
            "creationDate",
            "updateDate",
            "keyMaterial",
            "endSessions",
        ),
    )
)
#: Longer texts are told by their beginning and their length.
_LONG = 6000
_LABELS = (
    *("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError"),
    *("NoWritesPerformed", "ResumableChangeStreamError", "NonResumableChangeStreamError"),
    *("SystemOverloadedError", "RetryableError"),
)
_ATTRIBUTES = (
    "code",
    "details",
    "document",
    "error_document",
    "errors",
    "timeout",
    "error",
    "cause",
)

#: Of PyMongo these cannot be read again, which `scenarios/errors.py` alone is to say.
_UNPICKLED = ("ClientBulkWriteException", "EncryptedCollectionError")


def normal(value: Any) -> str:
    """A text without names of packages, ids, times and addresses of objects."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LONG:
        return f"{normal(text[:500])}... {len(text)} long"
    text = _CLIENT.sub("CLIENT", text)
    text = text.replace("mongodriver.gridfs", "gridfs")
    text = text.replace("mongodriver.", "pymongo.").replace("bsonx", "bson")
    text = _GRIDFS.sub(r"<\1>", _OPAQUE.sub(r"<\1>", text))
    text = _UUID.sub("UUID", _TOKEN.sub("_data: ...", text))
    text = _UPLOAD_DATE.sub("'uploadDate': DATE", text)
    text = _NUMBER.sub(r"\1 N", text)
    text = _OBJECT_ID.sub("OID", _TIMESTAMP.sub("T()", _ADDRESS.sub("", text)))
    return _TOPOLOGY.sub("", _CURSOR_ID.sub("ID", _TIMES.sub(r"'\1': ...", text)))


class _Text:
    """What shows as a text of its own."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


_SOME = _Text("...")


def shown(value: Any) -> Any:
    """A value that shows more than its own repr does: the classes of documents and integers, what
    results were made of; and less: nothing that differs from one run to the next."""
    kind = type(value)
    if kind in (str, int, float, bool, type(None), bytes, datetime.datetime):
        return value
    if kind in (list, tuple) and len(value) < 200:
        return kind(shown(item) for item in value)
    if kind.__name__ in ("dict", "SON"):
        fields = {k: _SOME if _varies(k, v) else shown(v) for k, v in value.items()}
        return fields if kind is dict else _Text(f"SON{fields}")
    if kind.__name__ == "Int64":
        return _Text(f"Int64({value!r})")
    if kind.__name__ == "RawBSONDocument":
        return _Text(f"Raw{shown(dict(value))}")
    raw = _made_of(value)
    return value if raw is None else _Text(f"{value!r} of {shown(raw)!r}")


def _varies(key: Any, value: Any) -> bool:
    return (isinstance(key, str) and key in _VOLATILE) or (
        key in ("uuid", "sessionId", "collectionUUID") and isinstance(value, (uuid.UUID, bytes))
    )


def _made_of(value: Any) -> Any:
    """The reply that a result was made of."""
    if not type(value).__name__.endswith("Result"):
        return None
    try:
        for name in ("raw_result", "bulk_api_result"):
            if hasattr(value, name):
                return getattr(value, name)
    except Exception as exc:
        return type(exc).__name__
    return None


def text_of(value: Any) -> str:
    """A value as it is compared."""
    return normal(shown(value))


def error_text(exc: BaseException) -> dict[str, Any]:
    """An exception as it is compared."""
    public = [c.__name__ for c in type(exc).__mro__ if c.__name__[0] != "_"]
    text = str(exc)
    if getattr(exc, "path", None):  # PyMongo's texts do not tell where the problem is
        text = text.partition(" - at ")[0]
    outcome: dict[str, Any] = {"classes": public, "text": normal(text)}
    for name in _ATTRIBUTES:
        if hasattr(exc, name):
            outcome[name] = text_of(getattr(exc, name))
    has_label = getattr(exc, "has_error_label", None)
    if has_label is not None:
        outcome["labels"] = [label for label in _LABELS if has_label(label)]
        if type(exc).__name__ not in _UNPICKLED:
            outcome["pickled"] = _pickled(exc)
        outcome["repr"] = normal(repr(exc))
    return outcome


def _pickled(exc: BaseException) -> str:
    """What an exception is when it has been pickled."""
    try:
        again = pickle.loads(pickle.dumps(exc))
    except Exception as failure:
        return type(failure).__name__
    same = str(again) == str(exc) and type(again) is type(exc)
    kept = [text_of(getattr(again, n, None)) == text_of(getattr(exc, n, None)) for n in _ATTRIBUTES]
    return f"same {same}, attributes {all(kept)}"


#: Fields that go last, for drivers, servers and specifications order them as they like.
_GENERIC = (
    *("collation", "readConcern", "writeConcern", "lsid", "txnNumber", "$clusterTime", "$db"),
    *("$readPreference", "documents", "updates", "deletes", "ops", "nsInfo"),
)
_BATCHES = ("firstBatch", "nextBatch")


def event_text(event: Any, operation: int) -> str:
    """A command's event as it is compared, at the time that it comes."""
    kind = type(event).__name__.removeprefix("Command").removesuffix("Event")
    name, database = event.command_name, getattr(event, "database_name", None)
    bodies = [getattr(event, n) for n in ("command", "reply", "failure") if hasattr(event, n)]
    body = _ordered(name, bodies[0]) if isinstance(bodies[0], Mapping) else bodies[0]
    return normal(f"{kind} {name} {operation} {database} {_shown_plain(body)!r}")


def _ordered(name: str, body: Mapping[str, Any]) -> Any:
    """A command or reply, its fields and what is in no order in one of ours."""
    fields = {k: v for k, v in body.items() if k not in _GENERIC}
    fields |= {k: body[k] for k in _GENERIC if k in body}
    cursor = fields.get("cursor")
    if isinstance(cursor, Mapping) and ".$cmd.listCollections" in str(cursor.get("ns")):
        part = bool(cursor["id"]) or "nextBatch" in cursor
        fields["cursor"] = {
            k: _in_order(v, part) if k in _BATCHES else v for k, v in cursor.items()
        }
    # What servers say of themselves differs from one moment to the next.
    return sorted(fields) if len(fields) > 12 or name == "explain" else fields


def _in_order(batch: Any, part: bool) -> Any:
    """A list of collections, which servers give in any order; of a part of one, how many."""
    return len(batch) if part else sorted(batch, key=lambda d: str(d["name"]))


def _shown_plain(value: Any) -> Any:
    """As `shown`, but documents of all classes are dicts: which class the documents of an event
    have is no part of the API."""
    if isinstance(value, Mapping):
        return {k: _SOME if _varies(k, v) else _shown_field(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_shown_plain(item) for item in value]
    return shown(value)


def _shown_field(key: Any, value: Any) -> Any:
    if key in _BATCHES and isinstance(value, list) and value and isinstance(value[0], bytes):
        return _Text(f"bytes of {[_shown_plain(bsonx.decode_all(item)) for item in value]}")
    return _shown_plain(value)
