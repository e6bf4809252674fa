"""OP_COMPRESSED: what is sent, and what is refused of what is received."""

from __future__ import annotations

import os
import zlib
from random import Random

import pytest

from mongodriver.options.compressors import validate_compressors
from mongodriver.wire import compression
from mongodriver.wire.compression import (
    CompressionError,
    compress_message,
    decompress_message,
    make_compressor,
)
from mongodriver.wire.header import HEADER, OP_COMPRESSED, OP_MSG
from scripted import message

AVAILABLE = validate_compressors("compressors", "snappy,zlib,zstd")
IDS = {"snappy": 1, "zlib": 2, "zstd": 3}
LIMIT = 1_000_000


def wrapped(content, *, size, compressor, opcode=OP_MSG):
    start = size.to_bytes(4, "little", signed=True)
    body = opcode.to_bytes(4, "little") + start + bytes([compressor]) + content
    return message(body, opcode=OP_COMPRESSED)


@pytest.mark.parametrize("name", AVAILABLE)
@pytest.mark.parametrize("content", [b"", b"x", b"abc" * 10_000, Random(5).randbytes(3000)])
def test_round_trip(name, content):
    original = message(content, request_id=5, response_to=9)
    packed = compress_message(original, make_compressor(name))
    length, request_id, response_to, opcode = HEADER.unpack_from(packed)
    assert (length, request_id, response_to, opcode) == (len(packed), 5, 9, OP_COMPRESSED)
    assert packed[24] == IDS[name]
    assert decompress_message(packed, LIMIT) == original


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no-such"):
        make_compressor("no-such")


def test_the_zlib_level_is_used():
    content = message(b"abcdefgh" * 1000)
    assert len(compress_message(content, make_compressor("zlib", 0))) > 8000
    assert len(compress_message(content, make_compressor("zlib", 9))) < 200


def test_messages_may_come_uncompressed_inside():
    assert decompress_message(wrapped(b"abc", size=3, compressor=0), LIMIT)[16:] == b"abc"


def bombs():
    """Streams that inflate to far more than they announce."""
    for name in AVAILABLE:
        packed = compress_message(message(b"\0" * 500_000), make_compressor(name))
        yield name, packed[25:]


@pytest.mark.parametrize(("name", "content"), list(bombs()), ids=AVAILABLE)
def test_more_than_announced_is_refused(name, content):
    with pytest.raises(CompressionError):
        decompress_message(wrapped(content, size=100, compressor=IDS[name]), LIMIT)


@pytest.mark.parametrize(("name", "content"), list(bombs()), ids=AVAILABLE)
def test_less_than_announced_is_refused(name, content):
    with pytest.raises(CompressionError):
        decompress_message(wrapped(content, size=500_001, compressor=IDS[name]), LIMIT)


@pytest.mark.parametrize(("name", "content"), list(bombs()), ids=AVAILABLE)
def test_a_message_over_the_limit_is_refused_by_its_announcement(name, content):
    with pytest.raises(CompressionError, match="over the limit"):
        decompress_message(wrapped(content, size=500_000, compressor=IDS[name]), 500_015)
    assert decompress_message(wrapped(content, size=500_000, compressor=IDS[name]), 500_016)


@pytest.mark.parametrize("name", AVAILABLE)
def test_corrupt_and_truncated_streams_are_refused(name):
    content = os.urandom(2000)
    packed = compress_message(message(content), make_compressor(name))[25:]
    for bad in (packed[:-1], packed[: len(packed) // 2], b"", b"\xff" * 50):
        with pytest.raises(CompressionError):
            decompress_message(wrapped(bad, size=2000, compressor=IDS[name]), LIMIT)


@pytest.mark.parametrize(
    "bad",
    [
        message(b"", opcode=OP_COMPRESSED),
        message(b"12345678", opcode=OP_COMPRESSED),
        wrapped(b"", size=-1, compressor=2),
        wrapped(zlib.compress(b"abc"), size=3, compressor=9),
        wrapped(b"abcd", size=3, compressor=0),
    ],
)
def test_malformed_wrappers_are_refused(bad):
    with pytest.raises(CompressionError):
        decompress_message(bad, LIMIT)


def test_a_snappy_length_ends_within_five_bytes():
    with pytest.raises(CompressionError):
        compression._snappy_length(b"\x80" * 6)
    assert compression._snappy_length(b"\xac\x02") == 300


FORGED = 50_000_000


def most_memory():
    """The most memory this process has had so far, in KiB; 0 where it cannot be known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


#: Why each is refused: where the library would have made room at once, before it is asked to.
WHY = {"snappy": "cannot hold", "zlib": "instead of", "zstd": "memory"}


def forged(name):
    """A few bytes that announce far more than can come of them, inside and outside."""
    packed = compress_message(message(b"\0" * 100), make_compressor(name))[25:]
    if name == "snappy":
        length, more = b"", FORGED
        while more:
            length += bytes([more & 0x7F | (0x80 if more > 0x7F else 0)])
            more >>= 7
        return length + packed[1:]
    if name == "zstd":
        # A frame whose header announces a window of 128 MiB (RFC 8878, 3.1.1.1.2).
        return b"\x28\xb5\x2f\xfd" + bytes([0x00, 17 << 3]) + packed[6:]
    return packed


@pytest.mark.parametrize("name", AVAILABLE)
def test_a_forged_size_costs_only_the_memory_of_what_arrives(name):
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not
    content = wrapped(forged(name), size=FORGED, compressor=IDS[name])
    before = most_memory()
    tracemalloc.start()
    try:
        with pytest.raises(CompressionError, match=WHY[name]):
            decompress_message(content, FORGED + 16)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert most_memory() - before < 40_000


@pytest.mark.parametrize("name", AVAILABLE)
@pytest.mark.parametrize("content", [b"\0" * 20_000_000, bytes(range(256)) * 40_000])
def test_what_packs_well_is_no_forgery(name, content):
    original = message(content)
    packed = compress_message(original, make_compressor(name))
    assert decompress_message(packed, 30_000_000) == original


def test_a_window_of_the_usual_size_is_no_forgery():
    """As servers make them that do not know the size of the content beforehand."""
    zstd = compression._zstd()
    packer = zstd.ZstdCompressor(level=19)
    packed = packer.compress(b"abc" * 100) + packer.flush()
    unpacked = decompress_message(wrapped(packed, size=300, compressor=3), LIMIT)
    assert unpacked[16:] == b"abc" * 100
