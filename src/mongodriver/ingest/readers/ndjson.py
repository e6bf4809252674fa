"""NDJSON (JSON Lines): one document on each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from mongodriver.ingest.readers.base import BOM, MAX_RECORD, Record, Reject
from mongodriver.ingest.readers.values import BadRecord, parse_object

_KEPT = 1000  # bytes of an overlong line that are shown to `reject`


class NDJSONReader:
    """Reads one extended JSON document from each line; empty lines are passed over."""

    def __init__(self, stream: BinaryIO, reject: Reject, *, max_record: int = MAX_RECORD) -> None:
        self._stream = stream
        self._reject = reject
        self._max_record = max_record

    def __iter__(self) -> Iterator[Record]:
        """Yield the documents; see `Reader`."""
        readline = self._stream.readline
        limit = self._max_record
        number = 0
        while raw := readline(limit):
            number += 1
            if number == 1:
                raw = raw.removeprefix(BOM)
            if len(raw) == limit and not raw.endswith(b"\n"):
                self._skip_line()
                self._reject(number, raw[:_KEPT], f"the line is longer than {limit} bytes")
                continue
            try:
                if raw.strip():
                    yield number, len(raw), parse_object(raw)
            except BadRecord as error:
                self._reject(number, raw, str(error))

    def _skip_line(self) -> None:
        while (rest := self._stream.readline(1 << 20)) and not rest.endswith(b"\n"):
            pass
