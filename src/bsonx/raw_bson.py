"""Documents that stay BSON until a field is read."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

from bsonx import _impl
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS as DEFAULT
from bsonx.codec_options import CodecOptions
from bsonx.errors import InvalidBSON

__all__ = ["DEFAULT_RAW_BSON_OPTIONS", "RawBSONDocument"]


class RawBSONDocument(Mapping[str, Any]):
    """A read-only mapping over the bytes of a document.

    ``bson_bytes`` is bytes-like and holds exactly one document (InvalidBSON otherwise);
    ``codec_options`` must have RawBSONDocument as its document class (TypeError otherwise).
    Reading one field decodes that field alone; inner documents are RawBSONDocuments over the same
    buffer. Encoding copies the bytes.
    """

    __slots__ = ("__codec_options", "__data", "__end", "__inflated", "__start")

    _type_marker = 101

    __data: bytes | memoryview
    __start: int
    __end: int
    __codec_options: CodecOptions
    __inflated: dict[str, Any] | None

    def __init__(self, bson_bytes: bytes, codec_options: CodecOptions | None = None) -> None:
        data = _immutable(bson_bytes)
        _check_bounds(data)
        if codec_options is None:
            codec_options = DEFAULT_RAW_BSON_OPTIONS
        elif not issubclass(codec_options.document_class, RawBSONDocument):
            raise TypeError(
                "RawBSONDocument cannot use CodecOptions with document "
                f"class {codec_options.document_class}"
            )
        self.__data = data
        self.__start = 0
        self.__end = len(data)
        self.__codec_options = codec_options
        self.__inflated = None

    @property
    def raw(self) -> bytes:
        """The bytes of the document."""
        data = self.__data
        if type(data) is not bytes or self.__end - self.__start != len(data):
            # From now on keep these bytes alone: the buffer they came from may be much larger.
            self.__data = data = bytes(data[self.__start : self.__end])
            self.__start, self.__end = 0, len(data)
        return data

    def items(self) -> ItemsView[str, Any]:
        """Return the decoded fields as (name, value) pairs, in stored order."""
        return self.__fields().items()

    def __fields(self) -> dict[str, Any]:
        fields = self.__inflated
        if fields is None:
            fields = self.__inflated = _impl.raw_elements(
                self.__data, self.__start, self.__end, self.__codec_options
            )
        return fields

    def __getitem__(self, item: str) -> Any:
        if self.__inflated is not None:
            return self.__inflated[item]
        return _impl.raw_get(self.__data, self.__start, self.__end, item, self.__codec_options)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__fields())

    def __len__(self) -> int:
        return len(self.__fields())

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, RawBSONDocument):
            return self.raw == other.raw
        return NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r}, codec_options={self.__codec_options!r})"

    def __getstate__(self) -> Any:
        return self.raw, self.__codec_options

    def __setstate__(self, state: tuple[bytes, CodecOptions]) -> None:
        self.__data, self.__codec_options = state
        self.__start, self.__end = 0, len(self.__data)
        self.__inflated = None

    @classmethod
    def _over(
        cls, data: bytes | memoryview, start: int, end: int, codec_options: CodecOptions
    ) -> RawBSONDocument:
        """Return the document between two positions of a buffer, checked by the caller."""
        self = cls.__new__(cls)
        self.__data = data
        self.__start = start
        self.__end = end
        self.__codec_options = codec_options
        self.__inflated = None
        return self


def _immutable(data: Any) -> bytes | memoryview:
    """Return bytes or a read-only view; a buffer that may change is copied."""
    if type(data) is bytes:
        return data
    view = memoryview(data)
    if view.readonly and type(view.obj) is bytes and view.format == "B" and view.contiguous:
        return view
    return bytes(view)


def _check_bounds(data: bytes | memoryview) -> None:
    if len(data) < 5:
        raise InvalidBSON("not enough data for a BSON document")
    if int.from_bytes(data[:4], "little", signed=True) != len(data):
        raise InvalidBSON("invalid object length")
    if data[-1]:
        raise InvalidBSON("bad eoo")


DEFAULT_RAW_BSON_OPTIONS: CodecOptions = DEFAULT.with_options(document_class=RawBSONDocument)
