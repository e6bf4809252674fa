"""Readers that give Python documents one by one, as sources of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from bsonx._impl import encode_documents
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.ingest.batch import ENCODE, Batch, BatchLimits, Ids, Position, Reject
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers import CSVOptions
from mongodriver.ingest.sources.files import (
    DAMAGE,
    FileSource,
    OpenSource,
    open_source,
    reader_factory,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["RecordReader", "RecordSource"]

Open = Callable[[FileSource], "AbstractContextManager[OpenSource]"]


class RecordSource:
    """A file whose format has a reader of single records."""

    awaits = False

    def __init__(self, file: FileSource, csv: CSVOptions | None = None) -> None:
        self.file = file
        self._csv = csv or CSVOptions()

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self.file.name

    @property
    def size(self) -> int | None:
        """See `Source.size`."""
        return self.file.size

    @property
    def repeatable(self) -> bool:
        """See `Source.repeatable`."""
        return self.file.repeatable

    def open(self, ids: Ids | None, at: Position | None = None) -> RecordReader:
        """See `Source.open`. The records before `at` are read once more."""
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(open_source(self.file))
                reader = RecordReader(self, opened, self._csv, ids)
            except DAMAGE as error:
                raise IngestError(str(error) or repr(error)) from error
            if at:
                reader.pass_over(at)
            reader.stack = stack.pop_all()
        return reader


class RecordReader:
    """See `Reader`."""

    stack: ExitStack

    def __init__(
        self, source: RecordSource, opened: OpenSource, csv: CSVOptions, ids: Ids | None
    ) -> None:
        self._source = source
        self._opened = opened
        self._ids = ids
        self._rejects: list[Reject] = []
        self._records = iter(reader_factory(source.file, csv)(opened.stream, self._reject))
        self._documents = 0
        self._error: Exception | None = None
        self._given: list[tuple[int, int]] = []  # lines and sizes of the batch at hand

    def _reject(self, line: int, raw: bytes, message: str) -> None:
        self._rejects.append(Reject(line, message, raw=raw))

    def _plain(self) -> Iterator[dict[str, Any]]:
        for line, size, document in self._records:
            self._given.append((line, size))
            yield document

    def pass_over(self, at: Position) -> None:
        """Go on behind as many documents as `at` says."""
        while self._documents < at["documents"] and self.read(BatchLimits(1)) is not None:
            pass

    def read(self, limits: BatchLimits) -> Batch | None:
        """See `Reader.read`."""
        if self._error is not None:
            raise self._error
        self._given, self._rejects = [], []
        first = None if self._ids is None else self._ids.first(self._documents)
        data, ends, own, bad, taken, end = encode_documents(
            self._plain(),
            DEFAULT_CODEC_OPTIONS,
            first,
            max_count=limits.documents,
            max_bytes=limits.bytes,
            seconds=-1.0 if limits.seconds is None else limits.seconds,
        )
        if isinstance(end, Exception):
            self._error = _as_ingest_error(end)
        if not taken and not self._rejects:
            if self._error is not None:
                raise self._error
            return None
        self._documents += taken - len(bad)
        positions = [line for line, _ in self._given]
        for number, error, item in reversed(bad):
            text = str(error) or repr(error)
            self._rejects.append(Reject(positions.pop(number), text, ENCODE, value=item))
        self._rejects.sort(key=lambda reject: reject.position)
        return Batch(
            self._source.name,
            data,
            ends,
            positions,
            self._rejects,
            {"documents": self._documents},
            sum(size for _, size in self._given) + sum(len(r.raw or b"") for r in self._rejects),
            own,
        )

    def consumed(self) -> int:
        """See `Reader.consumed`."""
        return self._opened.position()

    def close(self) -> None:
        """See `Reader.close`."""
        self.stack.close()


def _as_ingest_error(error: Exception) -> Exception:
    if isinstance(error, (OSError, IngestError)):
        return error
    if isinstance(error, DAMAGE):
        made = IngestError(str(error) or repr(error))
        made.__cause__ = error
        return made
    return error
