"""Compression of messages: the algorithms, and what a client is told to use of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from mongodriver.options.compressors import validate_compressors
from mongodriver.options.uri_options import validate_zlib_compression_level
from mongodriver.values.errors import ProtocolError
from mongodriver.wire.compression import SNAPPY_ID, ZLIB_ID, ZSTD_ID, inflate, make_compressor

__all__ = [
    "CompressionSettings",
    "SnappyContext",
    "ZlibContext",
    "ZstdContext",
    "decompress",
    "validate_compressors",
    "validate_zlib_compression_level",
]


class SnappyContext:
    """Snappy, with the library python-snappy."""

    compressor_id = SNAPPY_ID

    @staticmethod
    def compress(data: bytes) -> bytes:
        """Return the bytes compressed. ImportError without the library."""
        return make_compressor("snappy").compress(data)


class ZlibContext:
    """zlib, at a level from -1 to 9."""

    compressor_id = ZLIB_ID

    def __init__(self, level: int) -> None:
        self.level = level

    def compress(self, data: bytes) -> bytes:
        """Return the bytes compressed."""
        return zlib.compress(data, self.level)


class ZstdContext:
    """Zstandard, of the standard library or the library backports.zstd."""

    compressor_id = ZSTD_ID

    @staticmethod
    def compress(data: bytes) -> bytes:
        """Return the bytes compressed. ImportError without the library."""
        return make_compressor("zstd").compress(data)


class CompressionSettings:
    """The compressors a client offers, best first, and zlib's level."""

    def __init__(self, compressors: list[str], zlib_compression_level: int) -> None:
        self.compressors = compressors
        self.zlib_compression_level = zlib_compression_level

    def get_compression_context(
        self, compressors: Sequence[str] | None
    ) -> SnappyContext | ZlibContext | ZstdContext | None:
        """Return the first of the compressors that a server has accepted, or None."""
        first = compressors[0] if compressors else None
        if first == "snappy":
            return SnappyContext()
        if first == "zlib":
            return ZlibContext(self.zlib_compression_level)
        return ZstdContext() if first == "zstd" else None


def decompress(data: bytes | memoryview, compressor_id: int, max_message_size: int) -> bytes:
    """Return what was compressed.

    :param max_message_size: the most bytes that are accepted.
    :raises ProtocolError: for more than these.
    :raises ValueError: for an unknown compressor.
    """
    if compressor_id not in (SNAPPY_ID, ZLIB_ID, ZSTD_ID):
        raise ValueError(f"Unknown compressorId {compressor_id}")
    content = inflate(bytes(data), compressor_id, max_message_size)
    if len(content) > max_message_size:
        raise ProtocolError(
            f"Decompressed message size ({len(content)}) is larger than maximum allowed payload "
            f"size ({max_message_size})"
        )
    return content
