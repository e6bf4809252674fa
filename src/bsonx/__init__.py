"""The BSON codec: Python values to MongoDB's binary documents and back.

    >>> import bsonx
    >>> bsonx.decode(bsonx.encode({"hello": "world"}))
    {'hello': 'world'}

Names, results and errors are those of PyMongo's ``bson``. The work is done by a native extension
or, where there is none, by its pure-Python twin (:func:`has_c`).

For pytest, of which the distribution has a plugin: PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeVar, overload

from bsonx import _impl, _switch
from bsonx.binary import (
    ALL_UUID_SUBTYPES,
    CSHARP_LEGACY,
    JAVA_LEGACY,
    OLD_UUID_SUBTYPE,
    STANDARD,
    UUID_SUBTYPE,
    Binary,
    UuidRepresentation,
)
from bsonx.code import Code
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bsonx.datetime_ms import EPOCH_AWARE, EPOCH_NAIVE, DatetimeMS
from bsonx.dbref import DBRef
from bsonx.decimal128 import Decimal128
from bsonx.errors import InvalidBSON, InvalidDocument, InvalidStringData
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.son import RE_TYPE, SON
from bsonx.timestamp import Timestamp
from bsonx.tz_util import utc

if TYPE_CHECKING:
    from collections.abc import Generator

    from bsonx._documents import Document
    from bsonx.typings import ReadableBuffer

__all__ = [
    "ALL_UUID_SUBTYPES",
    "BSON",
    "BSONARR",
    "BSONBIN",
    "BSONBOO",
    "BSONCOD",
    "BSONCWS",
    "BSONDAT",
    "BSONDEC",
    "BSONINT",
    "BSONLON",
    "BSONMAX",
    "BSONMIN",
    "BSONNUL",
    "BSONNUM",
    "BSONOBJ",
    "BSONOID",
    "BSONREF",
    "BSONRGX",
    "BSONSTR",
    "BSONSYM",
    "BSONTIM",
    "BSONUND",
    "CSHARP_LEGACY",
    "DEFAULT_CODEC_OPTIONS",
    "EPOCH_AWARE",
    "EPOCH_NAIVE",
    "JAVA_LEGACY",
    "OLD_UUID_SUBTYPE",
    "RE_TYPE",
    "SON",
    "STANDARD",
    "UUID_SUBTYPE",
    "Binary",
    "Code",
    "CodecOptions",
    "DBRef",
    "DatetimeConversion",
    "DatetimeMS",
    "Decimal128",
    "Int64",
    "InvalidBSON",
    "InvalidDocument",
    "InvalidStringData",
    "MaxKey",
    "MinKey",
    "ObjectId",
    "Regex",
    "Timestamp",
    "UuidRepresentation",
    "decode",
    "decode_all",
    "decode_file_iter",
    "decode_iter",
    "encode",
    "gen_list_name",
    "get_data_and_view",
    "has_c",
    "is_valid",
    "utc",
]

# Element types as stored.
BSONNUM = b"\x01"
BSONSTR = b"\x02"
BSONOBJ = b"\x03"
BSONARR = b"\x04"
BSONBIN = b"\x05"
BSONUND = b"\x06"
BSONOID = b"\x07"
BSONBOO = b"\x08"
BSONDAT = b"\x09"
BSONNUL = b"\x0a"
BSONRGX = b"\x0b"
BSONREF = b"\x0c"
BSONCOD = b"\x0d"
BSONSYM = b"\x0e"
BSONCWS = b"\x0f"
BSONINT = b"\x10"
BSONTIM = b"\x11"
BSONLON = b"\x12"
BSONDEC = b"\x13"
BSONMIN = b"\xff"
BSONMAX = b"\x7f"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return a module that PyMongo's ``bson`` has, and that few programs need."""
        if name in ("json_util", "typings"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])
_DocumentType = TypeVar("_DocumentType", bound="Document")

_BAD_OPTIONS = "codec_options must be an instance of CodecOptions"


def has_c() -> bool:
    """Return whether the native extension is in use."""
    return _switch.HAS_C


def _checked(codec_options: CodecOptions[Any] | None) -> CodecOptions[Any]:
    if codec_options is None:
        return DEFAULT_CODEC_OPTIONS
    if not isinstance(codec_options, CodecOptions):
        raise TypeError(_BAD_OPTIONS)
    return codec_options


@_switch.native_form
def encode(
    document: Mapping[str, Any],
    check_keys: bool = False,
    codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS,
) -> bytes:
    """Return the BSON of a mapping; ``_id`` comes first.

    ``check_keys`` refuses keys that start with ``$`` or contain a dot. TypeError if it is no
    mapping; InvalidDocument, whose ``path`` names the place, for what BSON cannot hold;
    OverflowError for ints beyond 64 bits.
    """
    if not isinstance(codec_options, CodecOptions):
        raise TypeError(_BAD_OPTIONS)
    return _impl.encode_document(document, check_keys, codec_options)


# The decoding functions in PyMongo's form. inspect shows this form for the public functions too,
# which take one more keyword, `type`. (The overloads say that it is a keyword; the definitions do
# not, because Python takes longer to call functions with keyword-only parameters.)
def _one(data: Any, codec_options: CodecOptions[Any] | None = None) -> Any:
    return decode(data, codec_options)


def _many(data: Any, codec_options: CodecOptions[Any] | None = None) -> list[Any]:
    return decode_all(data, codec_options)


def _each(data: bytes, codec_options: CodecOptions[Any] | None = None) -> Iterator[Any]:
    return decode_iter(data, codec_options)


def _each_of(
    file_obj: BinaryIO | IO[bytes], codec_options: CodecOptions[Any] | None = None
) -> Iterator[Any]:
    return decode_file_iter(file_obj, codec_options)


def _signature_of(shown: Any) -> Callable[[_F], _F]:
    def mark(function: _F) -> _F:
        function.__wrapped__ = shown  # type: ignore[attr-defined]
        return function

    return mark


@overload
def decode(data: ReadableBuffer, codec_options: None = None) -> dict[str, Any]: ...
@overload
def decode(data: ReadableBuffer, codec_options: CodecOptions[_DocumentType]) -> _DocumentType: ...
@overload
def decode(
    data: ReadableBuffer, codec_options: CodecOptions[Any] | None = None, *, type: type[_T]
) -> _T: ...
@overload
def decode(
    data: ReadableBuffer, codec_options: CodecOptions[Any] | None = None, *, type: Any
) -> Any: ...
@_switch.native_form
@_signature_of(_one)
def decode(data: Any, codec_options: CodecOptions[Any] | None = None, type: Any = None) -> Any:
    """Return the document that ``data`` (bytes-like) holds, and nothing else.

    The result is a dict, what ``codec_options`` ask for, or an instance of ``type`` (a class with
    typed fields: see :mod:`bsonx.typed`). InvalidBSON, whose ``offset`` says where, for malformed
    bytes; TypedDecodeError for a document that does not fit the type.
    """
    if type is not None:
        return _impl.decode_as(type, data, codec_options)
    if codec_options is None:
        codec_options = DEFAULT_CODEC_OPTIONS
    elif not isinstance(codec_options, CodecOptions):
        raise TypeError(_BAD_OPTIONS)
    return _impl.decode_document(data, codec_options)


@overload
def decode_all(data: ReadableBuffer, codec_options: None = None) -> list[dict[str, Any]]: ...
@overload
def decode_all(
    data: ReadableBuffer, codec_options: CodecOptions[_DocumentType]
) -> list[_DocumentType]: ...
@overload
def decode_all(
    data: ReadableBuffer, codec_options: CodecOptions[Any] | None = None, *, type: type[_T]
) -> list[_T]: ...
@overload
def decode_all(
    data: ReadableBuffer, codec_options: CodecOptions[Any] | None = None, *, type: Any
) -> list[Any]: ...
@_switch.native_form
@_signature_of(_many)
def decode_all(
    data: Any, codec_options: CodecOptions[Any] | None = None, type: Any = None
) -> list[Any]:
    """Return the documents that stand one after the other in ``data``; see :func:`decode`."""
    if type is not None:
        codec_options = _impl.options_for_type(type, codec_options)
    return _impl.decode_all_documents(data, _checked(codec_options))


@overload
def decode_iter(data: bytes, codec_options: None = None) -> Iterator[dict[str, Any]]: ...
@overload
def decode_iter(
    data: bytes, codec_options: CodecOptions[_DocumentType]
) -> Iterator[_DocumentType]: ...
@overload
def decode_iter(
    data: bytes, codec_options: CodecOptions[Any] | None = None, *, type: type[_T]
) -> Iterator[_T]: ...
@overload
def decode_iter(
    data: bytes, codec_options: CodecOptions[Any] | None = None, *, type: Any
) -> Iterator[Any]: ...
@_signature_of(_each)
def decode_iter(
    data: bytes, codec_options: CodecOptions[Any] | None = None, type: Any = None
) -> Iterator[Any]:
    """Return an iterator over the documents in ``data``, decoded one at a time.

    InvalidBSON if the data ends within a document. See :func:`decode` for ``type``.
    """
    if type is not None:
        codec_options = _impl.options_for_type(type, codec_options)
    return _iterate(data, _checked(codec_options))


def _iterate(data: Any, codec_options: CodecOptions[Any]) -> Iterator[Any]:
    position, end = 0, len(data)
    while position < end:
        if end - position < 4:
            error = InvalidBSON("cut off in middle of objsize")
            error.offset = position
            raise error
        size = int.from_bytes(data[position : position + 4], "little", signed=True)
        yield _impl.decode_document(data[position : position + size], codec_options)
        position += size


@overload
def decode_file_iter(
    file_obj: BinaryIO | IO[bytes], codec_options: None = None
) -> Iterator[dict[str, Any]]: ...
@overload
def decode_file_iter(
    file_obj: BinaryIO | IO[bytes], codec_options: CodecOptions[_DocumentType]
) -> Iterator[_DocumentType]: ...
@overload
def decode_file_iter(
    file_obj: BinaryIO | IO[bytes],
    codec_options: CodecOptions[Any] | None = None,
    *,
    type: type[_T],
) -> Iterator[_T]: ...
@overload
def decode_file_iter(
    file_obj: BinaryIO | IO[bytes], codec_options: CodecOptions[Any] | None = None, *, type: Any
) -> Iterator[Any]: ...
@_signature_of(_each_of)
def decode_file_iter(
    file_obj: BinaryIO | IO[bytes], codec_options: CodecOptions[Any] | None = None, type: Any = None
) -> Iterator[Any]:
    """Return an iterator over the documents of a binary file, read one at a time.

    InvalidBSON if the file ends within a document. See :func:`decode` for ``type``.
    """
    if type is not None:
        codec_options = _impl.options_for_type(type, codec_options)
    codec_options = _checked(codec_options)
    while True:
        length = file_obj.read(4)
        if not length:
            return
        if len(length) < 4:
            raise InvalidBSON("cut off in middle of objsize")
        size = int.from_bytes(length, "little", signed=True) - 4
        yield _impl.decode_document(length + file_obj.read(max(0, size)), codec_options)


def is_valid(bson: bytes) -> bool:
    """Return whether ``bson`` is one valid document; TypeError if it is not bytes."""
    if not isinstance(bson, bytes):
        raise TypeError(f"BSON data must be an instance of a subclass of bytes, not {type(bson)}")
    try:
        _impl.decode_document(bson, DEFAULT_CODEC_OPTIONS)
    except Exception:
        return False
    return True


def gen_list_name() -> Generator[bytes, None, None]:
    """Yield the stored names of array elements: ``b"0\\x00"``, ``b"1\\x00"``, ..."""
    return (b"%d\0" % position for position in itertools.count())


def get_data_and_view(data: Any) -> tuple[Any, memoryview]:
    """Return bytes for a bytes-like object, and a memoryview of it."""
    if isinstance(data, (bytes, bytearray)):
        return data, memoryview(data)
    view = memoryview(data)
    return view.tobytes(), view


class BSON(bytes):
    """Encoded BSON with methods; :func:`encode` and :func:`decode` do the same."""

    @classmethod
    def encode(
        cls,
        document: Mapping[str, Any],
        check_keys: bool = False,
        codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS,
    ) -> BSON:
        """Return the BSON of a mapping."""
        return cls(encode(document, check_keys, codec_options))

    def decode(  # type: ignore[override]
        self, codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS
    ) -> dict[str, Any]:
        """Return the document that these bytes hold."""
        return decode(self, codec_options)
