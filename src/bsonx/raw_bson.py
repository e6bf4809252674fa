"""Documents that stay BSON until a field is read."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

from bsonx._impl import RawDocument
from bsonx._markers import Markers as _Markers
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS as DEFAULT
from bsonx.codec_options import CodecOptions

__all__ = ["DEFAULT_RAW_BSON_OPTIONS", "RawBSONDocument"]


class RawBSONDocument(RawDocument, Mapping[str, Any]):
    """A read-only mapping over the bytes of a document.

    ``bson_bytes`` is bytes-like and holds exactly one document (InvalidBSON otherwise);
    ``codec_options`` must have RawBSONDocument as its document class (TypeError otherwise).
    Reading one field decodes that field alone; inner documents are RawBSONDocuments over the same
    buffer. Encoding copies the bytes.
    """

    __slots__ = ()

    _type_marker = _Markers.RAW_DOCUMENT

    def items(self) -> ItemsView[str, Any]:
        """Return the decoded fields as (name, value) pairs, in stored order."""
        return self._inflate().items()

    def __iter__(self) -> Iterator[str]:
        return iter(self._inflate())

    def __len__(self) -> int:
        return len(self._inflate())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RawBSONDocument):
            return self.raw == other.raw
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r}, codec_options={self._options!r})"


DEFAULT_RAW_BSON_OPTIONS: CodecOptions[RawBSONDocument] = DEFAULT.with_options(
    document_class=RawBSONDocument
)
RawBSONDocument._default_options = DEFAULT_RAW_BSON_OPTIONS
