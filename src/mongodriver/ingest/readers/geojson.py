"""GeoJSON: one document for each feature of a collection."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers.base import Record
from mongodriver.ingest.readers.json_values import JSONReader

__all__ = ["GeoJSONReader", "find_features"]

_SPACE = " \t\r\n"
_DECODE = JSONDecoder().raw_decode


class GeoJSONReader(JSONReader):
    """Reads the features of a FeatureCollection; what else it says of itself is left out.

    Other objects and arrays are read as JSON is: a feature or a geometry alone, a sequence.
    """

    def _sequence(self) -> Iterator[Record]:
        size = self._distance_to_features()
        if size < 0:
            yield from super()._sequence()
            return
        self._advance(size)
        yield from self._elements()
        while self._peek() == b",":  # what is said behind the features
            self._advance(1)
            self._skip()
            if self._peek() == b":":
                self._advance(1)
            self._skip()
        if self._peek() != b"}":
            raise IngestError(f"line {self._line}: the collection is cut off")
        self._advance(1)
        if self._peek():
            raise IngestError(f"line {self._line}: there is text behind the end of the collection")

    def _distance_to_features(self) -> int:
        while True:
            distance = find_features(self._buffer[self._position :])
            if distance is not None:
                return distance
            if not self._fill():
                return -1

    def _skip(self) -> None:
        start = self._peek()
        if start:
            self._take(self._find_end() if start in b'{["' else self._find_scalar_end())


def find_features(text: bytes) -> int | None:
    """Return where the array of features begins in text that begins with an object.

    -1 when the object has none, None when that cannot be told before there is more text.
    """
    # One character is one byte then; names and values do not matter, only where they end.
    chars = text.decode("latin-1")
    at = 1
    try:
        while True:
            at = _space(chars, at)
            key, at = _DECODE(chars, at)
            at = _space(chars, at)
            if not isinstance(key, str) or chars[at] != ":":
                return -1
            at = _space(chars, at + 1)
            if key == "features" and chars[at] == "[":
                return at
            _, at = _DECODE(chars, at)
            at = _space(chars, at)
            if chars[at] != ",":
                return -1
            at += 1
    except (JSONDecodeError, IndexError):
        return None  # or it is no JSON, which shows itself when all of it is there
    except RecursionError:
        return -1


def _space(chars: str, at: int) -> int:
    while chars[at] in _SPACE:
        at += 1
    return at
