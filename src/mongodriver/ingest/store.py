"""Store one batch, each document once, also across elections.

Every document has its `_id` before it is sent, and the driver repeats a failed command under the
same transaction number. When even that leaves the outcome unknown, the batch is sent again with
the same ids. A duplicate key then means that the document had arrived before; for an id from the
file, which may be a real duplicate, that is found out by comparing the documents.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bsonx
from bsonx.codec_options import CodecOptions
from bsonx.errors import BSONError
from bsonx.raw_bson import RawBSONDocument
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.report import ENCODE, Code
from mongodriver.values.error_codes import RETRYABLE
from mongodriver.values.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
)
from mongodriver.values.limits import MAX_MESSAGE_SIZE, MAX_WRITE_BATCH_SIZE
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import ReadPreference
from mongodriver.values.write_concern import WriteConcern

if TYPE_CHECKING:
    from mongodriver.collection import Collection
    from mongodriver.ingest.sources import FileSource

_DUPLICATE_KEY = 11000
_MAX_DOCUMENT = 16 << 20  # bytes of BSON
# Room for what a message holds beside its documents, in bytes: more than enough.
_MESSAGE_OVERHEAD = 1 << 16
_TRANSIENT_LABEL = "RetryableWriteError"
_UNENCODABLE = (BSONError, TypeError, ValueError, OverflowError, RecursionError)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between attempts


@dataclass
class Batch:
    """Documents on their way, and where they came from."""

    source: FileSource
    collection: Collection[Any]
    documents: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    size: int = 0  # bytes of text
    with_id: set[int] = field(default_factory=set)  # indexes of documents that brought an _id


@dataclass
class Failure:
    """Why the document number `index` of a batch is not stored."""

    index: int
    code: Code
    message: str


@dataclass
class Outcome:
    """What became of a batch: all documents are stored except those with a failure.

    `warning` is a write concern error, which says that the stored ones may not be safe yet.
    """

    failures: list[Failure] = field(default_factory=list)
    resent: int = 0
    warning: tuple[Code, str] | None = None


class Store:
    """Stores batches. It gives up `retry_seconds` after the first failure of a batch, or when
    `stop` is set meanwhile."""

    def __init__(self, retry_seconds: float, stop: threading.Event) -> None:
        self._retry_seconds = retry_seconds
        self._stop = stop

    def store(self, batch: Batch) -> Outcome:
        """Insert the documents of `batch`.

        Raises IngestError when the server stays away, and the driver's error when it refuses the
        whole batch.
        """
        outcome = Outcome()
        indexes = list(range(len(batch.documents)))
        patience = _Patience(self._retry_seconds, self._stop)
        sent_before = False
        while indexes:
            try:
                documents = [batch.documents[index] for index in indexes]
                batch.collection.insert_many(documents, ordered=False)
                break
            except BulkWriteError as error:
                details = error.details or {}
                if not _is_transient_result(details):
                    _judge(batch, indexes, details, sent_before, outcome)
                    break
                patience.wait(error)
                outcome.resent += 1
                sent_before = True
            except (PyMongoError, *_UNENCODABLE) as error:
                if isinstance(error, PyMongoError) and _is_transient(error):
                    patience.wait(error)
                    outcome.resent += 1
                    sent_before = True
                else:
                    bad = _unencodable(batch, indexes)
                    if not bad:
                        raise
                    sent_before = sent_before or not _is_in_first_message(batch, indexes, bad[0])
                    outcome.failures += bad
                    without = {failure.index for failure in bad}
                    indexes = [index for index in indexes if index not in without]
        return outcome


def durable(collection: Collection[Any]) -> Collection[Any]:
    """Return `collection` with majority write concern, unless its own says how many must confirm.

    What only the primary has confirmed is lost when that dies. Raises IngestError for w=0.
    """
    refuse_unacknowledged(collection)
    concern = collection.write_concern.document
    if "w" in concern:
        return collection
    # Journal and timeout alone leave it to the server's default, which may be one member.
    return collection.with_options(write_concern=WriteConcern(**{**concern, "w": "majority"}))


def refuse_unacknowledged(collection: Collection[Any]) -> None:
    """Raise IngestError when the server is not to answer: what it refuses would go unnoticed."""
    if not collection.write_concern.acknowledged:
        raise IngestError(
            f"{collection.full_name}: the write concern w=0 asks for no answer from the server, "
            "so that no record can be accounted for; leave it out, or use w=1 or more"
        )


class _Patience:
    """Waits a little between attempts, and only so long altogether."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        self._seconds = seconds
        self._stop = stop
        self._deadline: float | None = None
        self._pause = _FIRST_PAUSE

    def wait(self, error: Exception) -> None:
        """Wait before the next attempt; raises IngestError when there is to be none."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._seconds
        if now >= self._deadline:
            raise IngestError(f"the server has not recovered for {self._seconds:g} s: {error}")
        if self._stop.wait(self._pause):
            raise IngestError("the job was stopped")
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _is_transient(error: PyMongoError) -> bool:
    if isinstance(error, ConnectionFailure) or error.has_error_label(_TRANSIENT_LABEL):
        return True
    return isinstance(error, OperationFailure) and error.code in RETRYABLE


def _is_transient_result(details: Mapping[str, Any]) -> bool:
    errors = [*details.get("writeErrors", []), *details.get("writeConcernErrors", [])]
    return any(error.get("code") in RETRYABLE for error in errors)


def _judge(
    batch: Batch,
    indexes: Sequence[int],
    details: Mapping[str, Any],
    sent_before: bool,
    outcome: Outcome,
) -> None:
    """Tell real errors from duplicates that are our own documents, sent before."""
    refused = {indexes[error["index"]]: error for error in details.get("writeErrors", [])}
    if sent_before:
        duplicates = [index for index, error in refused.items() if _is_duplicate_id(error)]
        accepted = [index for index in indexes if index not in refused]
        for index in _arrived_before(batch, duplicates, accepted):
            del refused[index]
    for index, error in refused.items():
        code, message = error.get("code", 0), str(error.get("errmsg", ""))
        outcome.failures.append(Failure(index, code, message))
    for error in details.get("writeConcernErrors", []):
        outcome.warning = (error.get("code", 0), str(error.get("errmsg", "")))


def _is_duplicate_id(error: dict[str, Any]) -> bool:
    if error.get("code") != _DUPLICATE_KEY:
        return False
    pattern = error.get("keyPattern")  # told by servers from 4.2 on
    return list(pattern) == ["_id"] if pattern else "_id_" in str(error.get("errmsg", ""))


def _arrived_before(batch: Batch, duplicates: Sequence[int], accepted: Sequence[int]) -> list[int]:
    """Return those of the refused `duplicates` that had been stored by an earlier attempt.

    `accepted` are the documents stored by the last attempt.
    """
    arrived = [index for index in duplicates if index not in batch.with_id]
    doubtful = [index for index in duplicates if index in batch.with_id]
    if doubtful:
        unclaimed = _stored(batch, doubtful)
        unclaimed -= {_encoded(batch, index) for index in accepted if index in batch.with_id}
        for index in doubtful:
            encoded = _encoded(batch, index)
            if encoded in unclaimed:
                unclaimed.remove(encoded)  # one that looks the same is a real duplicate
                arrived.append(index)
    return arrived


def _encoded(batch: Batch, index: int) -> bytes:
    return bsonx.encode(batch.documents[index])


def _stored(batch: Batch, indexes: Sequence[int]) -> set[bytes]:
    """Return what the server has under the ids of these documents."""
    options: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
    # A read preference or read concern from the URI may look at data that is older than the write.
    collection = batch.collection.with_options(
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        read_concern=ReadConcern("local"),
    )
    ids = [batch.documents[index]["_id"] for index in indexes]
    return {document.raw for document in collection.find({"_id": {"$in": ids}})}


def _unencodable(batch: Batch, indexes: Sequence[int]) -> list[Failure]:
    """Return the documents at fault when a batch could not be encoded."""
    failures = []
    for index in indexes:
        try:
            size = len(bsonx.encode(batch.documents[index]))
        except _UNENCODABLE as error:
            failures.append(Failure(index, ENCODE, str(error) or repr(error)))
        else:
            if size > _MAX_DOCUMENT:
                problem = f"the document has {size} bytes of BSON, {_MAX_DOCUMENT} are allowed"
                failures.append(Failure(index, ENCODE, problem))
    return failures


def _is_in_first_message(batch: Batch, indexes: Sequence[int], bad: Failure) -> bool:
    """Whether a document that could not be encoded belongs into the first message of the batch.

    Then nothing was sent before it was met. When in doubt, something was.
    """
    size = _MESSAGE_OVERHEAD
    for count, index in enumerate(indexes):
        if index != bad.index:
            size += len(_encoded(batch, index))
            continue
        try:
            size += len(_encoded(batch, index))  # it may be too large and nothing worse
        except _UNENCODABLE:
            pass
        return count < MAX_WRITE_BATCH_SIZE and size < MAX_MESSAGE_SIZE
    return False
