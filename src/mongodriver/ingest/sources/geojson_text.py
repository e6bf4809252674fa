"""GeoJSON as a source of batches: a document for each feature of a collection."""

from __future__ import annotations

import json
from json import JSONDecodeError
from typing import Any

from bsonx import ndjson
from mongodriver.ingest.batch import Batch, BatchLimits, Position
from mongodriver.ingest.readers.geojson import find_features
from mongodriver.ingest.sources.json_text import JSONTextReader

__all__ = ["GeoJSONTextReader"]

_BLANKS = b"\xef\xbb\xbf \t\r\n"


class GeoJSONTextReader(JSONTextReader):
    """See `Reader`. What a FeatureCollection says of itself is left out; other text is read as JSON
    is: a feature or a geometry alone, a sequence."""

    _container = "collection"
    _has_features: bool | None = None  # None: that is not known yet

    def go_to(self, at: Position) -> None:
        """Go on at a position that a batch had behind it."""
        super().go_to(at)
        self._has_features = at["features"]

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
        if distance is None and not text.at_end:
            if text.unread > self.max_record:
                raise self._error(f"a value is longer than {self.max_record} bytes")
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
        if not text.at_end:
            if text.unread > self.max_record:
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
