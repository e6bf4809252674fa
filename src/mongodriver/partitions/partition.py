"""A part of a collection that can be read anywhere: what it is, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bsonx import decode, encode
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.json_util import CANONICAL_JSON_OPTIONS, from_bson, to_bson
from bsonx.raw_bson import RawBSONDocument

from .clients import shared_client
from .iteration import batches, documents
from .reader import EXACT_RAW, Query, Reader

if TYPE_CHECKING:
    from bsonx.arrow import ArrowStream, Schema

__all__ = ["EXACT", "Partition", "text_of"]

#: Values as they are on the wire: what is read with it is written back as it was.
EXACT: CodecOptions[Any] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Partition:
    """The documents of a collection with an ``_id`` in a range that match a filter.

    It can be pickled, or sent as text, and holds no client: `read` is given one. Values are texts
    of extended JSON (canonical).

    :param database: its name.
    :param collection: its name.
    :param lower: ``{"_id": ...}``, the first one that belongs to it; None: from the beginning.
    :param upper: the first one behind it; None: to the end. Ids are compared as an index does it,
        those of all types.
    :param filter: the documents that are wanted; None: all.
    :param projection: the fields that are wanted; None: all.
    :param collation: by which the filter compares text; None: the collection's.
    :param batch_size: documents a batch; 0 leaves it to the server.
    :param ordered: read by ``_id``, so that reading can go on where it was interrupted. Views and
        time series cannot be.
    """

    database: str
    collection: str
    lower: str | None = None
    upper: str | None = None
    filter: str | None = None
    projection: str | None = None
    collation: str | None = None
    batch_size: int = 0
    ordered: bool = True

    @property
    def namespace(self) -> str:
        """Where the documents are: "database.collection"."""
        return f"{self.database}.{self.collection}"

    def read(self, source: Any, *, prefetch: int | None = None, retry_seconds: float = 60) -> Any:
        """Iterate over the documents, in the order of their ``_id``, each once.

        Where a server or the cursor is lost, reading goes on behind the last document.

        :param source: a client, or a collection, which has options for documents and reads; an
            asynchronous one makes the iterator one for ``async for``. Or a connection string, whose
            client the process keeps: see `shared_client`.
        :param prefetch: how many batches to ask for ahead; left out, it is one if the client has a
            connection for it.
        :param retry_seconds: how long to try again while no document comes.
        :raises PyMongoError: when it cannot be read.
        """
        collection = self._collection_of(source)
        return documents(collection, [self.reader(collection, prefetch, retry_seconds)])

    def read_raw(
        self, source: Any, *, prefetch: int | None = None, retry_seconds: float = 60
    ) -> Any:
        """Like `read`, but each item is a batch: its BSON documents one behind the other."""
        collection = self._collection_of(source)
        return batches(collection, [self.reader(collection, prefetch, retry_seconds)])

    def read_arrow(
        self,
        source: Any,
        *,
        schema: Schema | None = None,
        prefetch: int | None = None,
        retry_seconds: float = 60,
        **columns: Any,
    ) -> ArrowStream:
        """The same as a stream of Arrow record batches, for whatever takes one by the PyCapsule
        interface.

        :param source: a blocking client or collection, or a connection string.
        :param schema: the columns, as `mongodriver.arrow.find_arrow` takes them; None: what is in
            the first batch.
        :param columns: ``objectid``, ``on_mismatch`` and ``on_unknown``, as there.
        """
        from bsonx.arrow import ArrowStream, ColumnBuilder  # few want columns

        batches = self.read_raw(source, prefetch=prefetch, retry_seconds=retry_seconds)
        return ArrowStream(batches, ColumnBuilder(schema, **columns), close=batches.close)

    def reader(self, collection: Any, prefetch: int | None, retry_seconds: float) -> Reader:
        """What reads it, of a collection of either flavour."""
        return Reader(collection, self.query, prefetch, retry_seconds)

    def _collection_of(self, source: Any) -> Any:
        if isinstance(source, str):
            source = shared_client(source)
        if hasattr(type(source), "get_database"):
            return source.get_database(self.database).get_collection(self.collection)
        if source.full_name != self.namespace:
            raise ValueError(f"{source.full_name} is not the collection {self.namespace}")
        return source

    @property
    def query(self) -> Query:
        """What is asked of the server."""
        return Query(
            _bound(self.lower),
            _bound(self.upper),
            _document(self.filter),
            _document(self.projection),
            None if self.collation is None else decode(to_bson(self.collation), EXACT),
            self.batch_size,
            self.ordered,
        )

    # -- as text --

    def to_json(self) -> str:
        """The partition as JSON text, for `from_json`."""
        return json.dumps({"partition": _VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Partition:
        """The partition that `to_json` has written.

        :raises ValueError: for other text.
        """
        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.pop("partition", None) != _VERSION:
            raise ValueError("this is no partition of a collection")
        try:
            return cls(**fields)
        except TypeError as exc:
            raise ValueError(f"this is no partition of a collection: {exc}") from exc


def text_of(document: Mapping[str, Any] | None, codec_options: Any = EXACT) -> str | None:
    """A document as canonical extended JSON; None for None.

    :param codec_options: how its Python values become BSON.
    """
    if document is None:
        return None
    return from_bson(encode(document, codec_options=codec_options), CANONICAL_JSON_OPTIONS)


def _document(text: str | None) -> RawBSONDocument | None:
    return None if text is None else RawBSONDocument(to_bson(text), codec_options=EXACT_RAW)


def _bound(text: str | None) -> dict[str, Any] | None:
    return None if text is None else {"_id": decode(to_bson(text), EXACT)["_id"]}
