"""What a RawBSONDocument is made of, in pure Python."""

from __future__ import annotations

import struct
from typing import Any, ClassVar, NoReturn, TypeVar

from bsonx._markers import Markers as _Markers
from bsonx._py.codec import raw_elements, raw_get
from bsonx.codec_options import CodecOptions
from bsonx.errors import InvalidBSON

_unpack_size = struct.Struct("<i").unpack_from
_new = object.__new__

T = TypeVar("T", bound="RawDocument")


class RawDocument:
    """The bytes of one document, somewhere in a buffer, and the options to read them with.

    ``bson_bytes`` is bytes-like and holds exactly one document (InvalidBSON otherwise);
    ``codec_options`` must have a raw document class (TypeError otherwise).
    """

    __slots__ = ("_at", "_fields", "_options")

    _default_options: ClassVar[CodecOptions[Any]]  # the public class has them

    # Buffer, start and end, and what to add to positions for those in the input: one attribute,
    # because `raw` replaces them while other threads read.
    _at: tuple[bytes | memoryview, int, int, int]
    _fields: dict[str, Any] | None
    _options: CodecOptions[Any]

    def __init__(
        self, bson_bytes: bytes | memoryview, codec_options: CodecOptions[Any] | None = None
    ) -> None:
        data = bson_bytes if type(bson_bytes) is bytes else _immutable(bson_bytes)
        size = len(data)
        if size < 5 or _unpack_size(data)[0] != size or data[-1]:
            _refuse(data)
        if codec_options is None:
            codec_options = self._default_options
        elif getattr(codec_options.document_class, "_type_marker", None) != _Markers.RAW_DOCUMENT:
            raise TypeError(
                "RawBSONDocument cannot use CodecOptions with document "
                f"class {codec_options.document_class}"
            )
        elif not isinstance(codec_options, CodecOptions):
            raise TypeError("codec_options must be an instance of CodecOptions")
        self._at = _kept(data, 0, size, 0)
        self._fields = None
        self._options = codec_options

    @classmethod
    def _over(
        cls: type[T],
        data: bytes | memoryview,
        start: int,
        end: int,
        codec_options: CodecOptions[Any],
        origin: int = 0,
    ) -> T:
        """Return the document between two positions of a buffer; ValueError if they lie outside.

        It keeps the buffer or, where it is small beside that, a copy of its bytes.
        """
        if not 0 <= start <= end <= len(data):
            raise ValueError("the document is outside the data")
        self = _new(cls)
        self._at = _kept(data, start, end, origin)
        self._fields = None
        self._options = codec_options
        return self

    _over.__func__.takes_origin = True  # type: ignore[attr-defined]

    @property
    def raw(self) -> bytes:
        """The bytes of the document."""
        data, start, end, origin = self._at
        if type(data) is not bytes or end - start != len(data):
            # From now on keep these bytes alone: the buffer they came from may be larger.
            data = bytes(data[start:end])
            self._at = data, 0, len(data), origin + start
        return data

    def __getitem__(self, item: str) -> Any:
        fields = self._fields
        if fields is not None:
            return fields[item]
        data, start, end, origin = self._at
        return raw_get(data, start, end, item, self._options, origin)

    def get(self, key: str, default: Any = None) -> Any:
        """Return one field, or ``default`` if there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def _inflate(self) -> dict[str, Any]:
        """Return all fields, decoded once."""
        fields = self._fields
        if fields is None:
            data, start, end, origin = self._at
            fields = raw_elements(data, start, end, self._options, origin)
            self._fields = fields
        return fields

    def __getstate__(self) -> Any:
        return self.raw, self._options

    def __setstate__(self, state: tuple[bytes, CodecOptions[Any]]) -> None:
        self.__init__(*state)  # type: ignore[misc]


# Bytes around a document that it may keep alive, beyond as many as it has itself.
_SLACK = 1024


def _kept(
    data: bytes | memoryview, start: int, end: int, origin: int
) -> tuple[bytes | memoryview, int, int, int]:
    """Return what a document keeps: the buffer, or its part alone if that is small beside it."""
    size = end - start
    shows_bytes = type(data) is memoryview and type(data.obj) is bytes
    whole: Any = data.obj if shows_bytes else data  # type: ignore[union-attr]
    if len(whole) - size <= size + _SLACK:
        return data, start, end, origin
    return bytes(data[start:end]), 0, size, origin + start


def _immutable(data: Any) -> bytes | memoryview:
    """Return bytes or a read-only view; a buffer that may change is copied."""
    view = memoryview(data)
    plain = view.format == "B" and view.ndim == 1 and view.contiguous
    if view.readonly and type(view.obj) is bytes and plain:
        return view
    return bytes(view)


def _refuse(data: bytes | memoryview) -> NoReturn:
    message, offset = "bad eoo", len(data) - 1
    if len(data) < 5:
        message, offset = "not enough data for a BSON document", 0
    elif _unpack_size(data)[0] != len(data):
        message, offset = "invalid object length", 0
    error = InvalidBSON(message)
    error.offset = offset
    raise error
