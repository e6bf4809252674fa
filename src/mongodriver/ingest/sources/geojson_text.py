"""GeoJSON as a source of batches: a document for each feature of a collection."""

from __future__ import annotations

import json
from json import JSONDecodeError, JSONDecoder
from typing import Any

from bsonx import ndjson
from mongodriver.ingest.batch import Batch, BatchLimits, Position
from mongodriver.ingest.sources.json_text import JSONTextReader

__all__ = ["GeoJSONTextReader", "find_features"]

_SPACE = " \t\r\n"
_DECODE = JSONDecoder().raw_decode
_BLANKS = b"\xef\xbb\xbf \t\r\n"


class GeoJSONTextReader(JSONTextReader):
    """See `Reader`. What a FeatureCollection says of itself is left out; other text is read as JSON
    is: a feature or a geometry alone, a sequence."""

    _has_features: bool | None = None  # None: that is not known yet

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        super().go_to(at)
        self._has_features = at["features"]

    @property
    def _container(self) -> str:
        return "collection" if self._has_features else "array"

    def _place(self) -> Position:
        return {**super()._place(), "features": self._has_features}

    def _cut(self, limits: BatchLimits) -> Batch | None:
        if self._has_features is None and not self._begin():
            return None
        behind = (ndjson.END, ndjson.BAD_END)
        batch = None
        if not self._has_features or self._state not in behind:
            batch = super()._cut(limits)
        if batch is None and self._has_features and self._state in behind:
            self._pass_rest()
        return batch

    def _check_state(self) -> None:
        if not self._has_features:  # else more members of the collection may follow
            super()._check_state()

    def _begin(self) -> bool:
        """Go to the array of features, if there is one; False where more text is needed to tell."""
        text = self.text
        begin = text.data[text.at :].lstrip(_BLANKS)
        distance = find_features(begin) if begin.startswith(b"{") else -1 if begin else None
        if distance is None and not text.exhausted:
            if text.unread > self._max_record:
                raise self._error(f"a value is longer than {self._max_record} bytes")
            return False
        self._has_features = (distance or -1) > 0
        if self._has_features:
            end = len(text.data) - len(begin) + (distance or 0) + 1
            self._line += text.data.count(b"\n", text.at, end)
            text.at = end
            self._state = ndjson.ARRAY
        return True

    def _pass_rest(self) -> None:
        """Look at what follows the features, once all of it is there: the rest of an object."""
        text = self.text
        if not text.exhausted:
            if text.unread > self._max_record:
                raise self._error(f"there are {text.unread} bytes behind the features")
            return
        rest = text.data[text.at :]
        try:
            json.loads(b'{"features": []' + rest, object_pairs_hook=_nothing)
        except JSONDecodeError as error:
            behind = error.msg == "Extra data"
            self._line += rest.count(b"\n") if not behind else 0
            what = "there is text behind the end of the collection"
            raise self._error(what if behind else "the collection is cut off") from None
        text.at = len(text.data)


def _nothing(pairs: Any) -> None:
    return None


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
