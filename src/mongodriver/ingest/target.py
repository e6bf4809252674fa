"""Where the documents of a source go, apart from the flavour of the collection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bsonx import encode
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.raw_bson import RawBSONDocument
from mongodriver.ingest.errors import IngestError
from mongodriver.ops.cursor import Find, ReadTarget
from mongodriver.ops.encoded_write import EncodedWrite
from mongodriver.ops.write import WriteTarget
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import ReadPreference
from mongodriver.values.write_concern import WriteConcern

if TYPE_CHECKING:
    from mongodriver.io.base import Backend
    from mongodriver.values.sequences import EncodedDocuments

__all__ = [
    "Target",
    "durable",
    "id_of",
    "refuse_unacknowledged",
]

_RAW: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


class Target:
    """A collection of either flavour, by its operations.

    :param selection_timeout: how long an operation may wait for a server, seconds; None: as long
        as the client's options say.
    """

    def __init__(self, collection: Any, selection_timeout: float | None = None) -> None:
        refuse_unacknowledged(collection)
        self.full_name: str = collection.full_name
        self.codec_options: CodecOptions[Any] = collection.codec_options
        self._writing: WriteTarget = collection._writing()
        # A read preference or read concern from the URI may look at what is older than a write.
        self._reading = ReadTarget(
            self._writing.database,
            self._writing.collection,
            _RAW,
            ReadPreference.PRIMARY,
            ReadConcern("local"),
        )
        self._core = collection._core
        self._selection_timeout = selection_timeout

    @property
    def backend(self) -> Backend:
        """What its client waits with."""
        backend: Backend = self._core.backend
        return backend

    def write(
        self,
        kind: str,
        statements: EncodedDocuments,
        ordered: bool,
        retryable: bool = True,
        options: dict[str, Any] | None = None,
    ) -> EncodedWrite:
        """The operation that sends statements, to be given to `execute`."""
        operation = EncodedWrite(self._writing, kind, statements, ordered, retryable, options)
        operation.selection_timeout = self._selection_timeout
        return operation

    async def execute(self, operation: EncodedWrite) -> EncodedWrite:
        """Run an operation, or what is left of it. Raises the driver's errors."""
        result: EncodedWrite = await self._core.executor.execute(operation)
        return result

    async def stored(self, documents: Iterable[bytes]) -> set[bytes]:
        """What the primary has under the ids of these documents, ``_id`` first."""
        found: set[bytes] = set()
        ids = {_key(one): one for one in (id_of(document) for document in documents)}
        while ids:
            options = {
                "filter": {"_id": {"$in": [*ids.values()]}},
                "limit": len(ids),
                "batchSize": len(ids),
                "singleBatch": True,
            }
            operation = Find(self._reading, options)
            operation.selection_timeout = self._selection_timeout
            batch = (await self._core.executor.execute(operation)).batch
            # A reply may be too small for all of them: the others are asked for again.
            left = len(ids)
            for document in batch:
                found.add(document.raw)
                ids.pop(_key(document["_id"]), None)
            if len(ids) == left:  # those that are left are not there
                break
        return found


def id_of(document: bytes) -> Any:
    """The `_id` of an encoded document."""
    return RawBSONDocument(document, _RAW)["_id"]


def _key(one: Any) -> bytes:
    return encode({"": one})


def durable(collection: Any) -> Any:
    """Return `collection` with majority write concern, unless its own says how many must confirm.

    What only the primary has confirmed is lost when that dies. Raises IngestError for w=0.
    """
    refuse_unacknowledged(collection)
    concern = collection.write_concern.document
    if "w" in concern:
        return collection
    # Journal and timeout alone leave it to the server's default, which may be one member.
    return collection.with_options(write_concern=WriteConcern(**{**concern, "w": "majority"}))


def refuse_unacknowledged(collection: Any) -> None:
    """Raise IngestError when the server is not to answer: what it refuses would go unnoticed."""
    if not collection.write_concern.acknowledged:
        raise IngestError(
            f"{collection.full_name}: the write concern w=0 asks for no answer from the server, "
            "so that no record can be accounted for; leave it out, or use w=1 or more"
        )
