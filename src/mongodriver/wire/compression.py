"""OP_COMPRESSED: a message wrapped by one of the negotiated compressors.

Layout after the header: original opcode (int32), uncompressed size of the message without its
header (int32), compressor id (byte), compressed bytes. The size is the peer's word: it is checked
against the message limit before anything is inflated, and the result against it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from struct import Struct
from typing import Any

from .header import HEADER, OP_COMPRESSED

#: originalOpcode, uncompressedSize, compressorId, following the header.
_WRAPPER = Struct("<iiB")
_HEADER_SIZE = HEADER.size
_START = _HEADER_SIZE + _WRAPPER.size

#: Bytes that come of one byte of snappy at most: a copy of 64 bytes takes 3.
_SNAPPY_RATIO = 22
#: Every decoder has to look back 8 MiB (RFC 8878, 3.1.1.1.2); more than the content helps nobody.
_ZSTD_WINDOW_LOG = 23

NOOP_ID, SNAPPY_ID, ZLIB_ID, ZSTD_ID = 0, 1, 2, 3

#: Commands that are never compressed: the handshake, and everything that carries a secret.
UNCOMPRESSED_COMMANDS = frozenset(
    {
        "hello",
        "isMaster",
        "ismaster",
        "saslStart",
        "saslContinue",
        "getnonce",
        "authenticate",
        "createUser",
        "updateUser",
        "copydbSaslStart",
        "copydbgetnonce",
        "copydb",
    }
)


class CompressionError(ValueError):
    """A compressed message whose content is not what it announces."""


class Compressor:
    """One algorithm: its wire id, and how it packs bytes."""

    __slots__ = ("compress", "id", "name")

    def __init__(self, name: str, id: int, compress: Callable[[bytes], bytes]) -> None:
        self.name = name
        self.id = id
        self.compress = compress


def _snappy() -> Any:
    return import_module("snappy")


def _zstd() -> Any:
    """The standard library's module (3.14 and newer) or its backport."""
    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")


def make_compressor(name: str, zlib_level: int = -1) -> Compressor:
    """The compressor of that name; ImportError where its library is missing."""
    if name == "snappy":
        return Compressor(name, SNAPPY_ID, _snappy().compress)
    if name == "zlib":
        import zlib

        return Compressor(name, ZLIB_ID, lambda data: zlib.compress(data, zlib_level))
    if name == "zstd":
        return Compressor(name, ZSTD_ID, _zstd().compress)
    raise ValueError(f"no compressor is named {name!r}")


def compress_message(message: bytes, compressor: Compressor) -> bytes:
    """Wrap one whole message (header included) in an OP_COMPRESSED message."""
    _, request_id, response_to, opcode = HEADER.unpack_from(message)
    with memoryview(message) as view:
        packed = compressor.compress(bytes(view[_HEADER_SIZE:]))
    return b"".join(
        (
            HEADER.pack(_START + len(packed), request_id, response_to, OP_COMPRESSED),
            _WRAPPER.pack(opcode, len(message) - _HEADER_SIZE, compressor.id),
            packed,
        )
    )


def decompress_message(message: bytes, max_size: int) -> bytes:
    """The message inside an OP_COMPRESSED message.

    :param max_size: the largest inflated message accepted, header included, in bytes.
    :raises CompressionError: for a bad size, an unknown compressor or corrupt content.
    """
    if len(message) < _START:
        raise CompressionError("compressed message is too short")
    _, request_id, response_to, _ = HEADER.unpack_from(message)
    opcode, size, compressor_id = _WRAPPER.unpack_from(message, _HEADER_SIZE)
    if size < 0 or size + _HEADER_SIZE > max_size:
        raise CompressionError(
            f"inflated message of {size} bytes is over the limit of {max_size} bytes"
        )
    inflate = _INFLATE.get(compressor_id)
    if inflate is None:
        raise CompressionError(f"unknown compressor id {compressor_id}")
    try:
        content = inflate(bytes(message[_START:]), size)
    except CompressionError:
        raise
    except Exception as exc:
        raise CompressionError(f"corrupt compressed message: {exc}") from exc
    if len(content) != size:
        raise CompressionError(f"inflated to {len(content)} bytes instead of {size}")
    return HEADER.pack(_HEADER_SIZE + size, request_id, response_to, opcode) + content


def inflate(data: bytes, compressor_id: int, most: int) -> bytes:
    """The content of compressed bytes that do not come with their size.

    Of what is longer than `most` bytes come as many and one more.

    :raises CompressionError: for corrupt snappy.
    :raises KeyError: for an unknown compressor.
    """
    if compressor_id == SNAPPY_ID:
        announced = _snappy_length(data)
        return bytes(most + 1) if announced > most else _inflate_snappy(data, announced)
    return _INFLATE[compressor_id](data, most)


def _inflate_noop(data: bytes, size: int) -> bytes:
    return data


def _inflate_zlib(data: bytes, size: int) -> bytes:
    import zlib

    # One byte more than announced: a longer stream is noticed without being inflated.
    inflater = zlib.decompressobj()
    content = inflater.decompress(data, size + 1)
    if not inflater.eof and len(content) <= size:
        raise CompressionError("truncated zlib stream")
    return content


def _inflate_snappy(data: bytes, size: int) -> bytes:
    announced = _snappy_length(data)
    if announced != size:
        raise CompressionError(f"snappy stream of {announced} bytes instead of {size}")
    if size > len(data) * _SNAPPY_RATIO:
        # Refused here, because the library makes room for all of it before it looks at the rest.
        raise CompressionError(f"{len(data)} bytes of snappy cannot hold {size} bytes")
    content: bytes = _snappy().uncompress(data)
    return content


def _snappy_length(data: bytes) -> int:
    """The uncompressed length a raw snappy stream begins with: a varint of at most 5 bytes."""
    length = 0
    for index, byte in enumerate(data[:5]):
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return length
    raise CompressionError("corrupt snappy length")


def _inflate_zstd(data: bytes, size: int) -> bytes:
    zstd = _zstd()
    # A frame announces how far it looks back, and the library makes room for as much.
    window = max(size.bit_length(), _ZSTD_WINDOW_LOG)
    inflater = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window})
    content: bytes = inflater.decompress(data, size + 1)
    if not inflater.eof and len(content) <= size:
        raise CompressionError("truncated zstd stream")
    return content


_INFLATE: dict[int, Callable[[bytes, int], bytes]] = {
    NOOP_ID: _inflate_noop,
    SNAPPY_ID: _inflate_snappy,
    ZLIB_ID: _inflate_zlib,
    ZSTD_ID: _inflate_zstd,
}
