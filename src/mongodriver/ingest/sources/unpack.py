"""Unpacking: gzip, bzip2, xz, Zstandard and zip, recognised by content.

A file that is damaged, cut off, or has other bytes behind its end gives everything that can be
unpacked first; then the error is raised. Python's own readers lose the last of it.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from mongodriver.ingest.errors import IngestError

__all__ = ["PACKED", "HeldStream", "unpacked"]

#: Suffixes that say how a file is packed, not what it holds.
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_CHUNK = 64 << 10  # bytes of packed data
_PIECE = 4 << 10  # the same where damage in it costs everything that it would have given
_BUFFER = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_WIDEST = 31  # windows of Zstandard, 2 to the power of: what its command makes with --ultra --long
#: Of archives.
_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


class _Decompressor(Protocol):
    """What bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Pulled(io.RawIOBase):
    """A raw stream of what a function gives; its error is an end, and kept."""

    def __init__(self, pull: Callable[[int], bytes]) -> None:
        self._pull = pull
        self._rest = b""
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest and self.failure is None:
            try:
                self._rest = self._pull(len(buffer))
            except (IngestError, OSError) as error:
                self.failure = error
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class HeldStream(io.BufferedReader):
    """The bytes that a function gives, chunk by chunk until b"".

    What the function raises (IngestError or OSError) is raised by the first read that would have
    nothing else to return.
    """

    def __init__(self, pull: Callable[[int], bytes]) -> None:
        self._pulled = _Pulled(pull)
        super().__init__(self._pulled, _BUFFER)

    def _given(self, data: bytes, size: int | None) -> bytes:
        if not data and size != 0 and self._pulled.failure is not None:
            raise self._pulled.failure
        return data

    def read(self, size: int | None = -1, /) -> bytes:
        return self._given(super().read(size), size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._given(super().read1(size), size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._given(super().readline(size), size)


class _Gzip:
    """zlib's decompressor with the face of the others, and all that there is before damage."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._failure: zlib.error | None = None

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and self._failure is None

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._failure is not None:
            raise self._failure
        data = self._inner.unconsumed_tail + data
        before = self._inner.copy()
        try:
            return self._inner.decompress(data, max_length)
        except zlib.error as error:
            self._failure = error
        out = bytearray()
        for at in range(len(data)):
            try:
                out += before.decompress(data[at : at + 1])
            except zlib.error:
                break
        return bytes(out)


def _zstd() -> tuple[Callable[[], _Decompressor], type[Exception]]:
    zstd: Any
    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        try:
            zstd = import_module("backports.zstd")
        except ImportError:
            raise IngestError(
                "Zstandard needs Python 3.14 or a library: pip install 'mongodriverx[zstd]'"
            )
    options = {zstd.DecompressionParameter.window_log_max: _WIDEST}
    return lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError


class _Format(NamedTuple):
    """How members are packed."""

    magic: bytes
    name: str
    #: What makes decompressors, and the error that these raise; asked for by the first file.
    decompressor: Callable[[], tuple[Callable[[], _Decompressor], type[Exception]]]
    #: How much is read at a time.
    piece: int = _PIECE


_FORMATS = (
    _Format(_GZIP, "gzip", lambda: (_Gzip, zlib.error), _CHUNK),
    _Format(b"BZh", "bzip2", lambda: (bz2.BZ2Decompressor, OSError)),
    _Format(b"\xfd7zXZ\0", "xz", lambda: (lzma.LZMADecompressor, lzma.LZMAError)),
    _Format(b"\x28\xb5\x2f\xfd", "Zstandard", _zstd),
)


class _Members:
    """Pulls what a file of one or more packed members holds."""

    def __init__(self, file: io.BufferedReader, form: _Format) -> None:
        self._file = file
        self._rest = b""  # read, and not unpacked yet
        self._name = form.name
        self._magic = form.magic
        self._make, self._error = form.decompressor()
        self._member: _Decompressor | None = self._make()
        self._piece = form.piece
        self._failure = ""

    def __call__(self, size: int) -> bytes:
        while (member := self._member) is not None:
            data = self._read() if member.needs_input else b""
            if not data and member.needs_input:
                raise IngestError(f"the {self._name} data are cut off")
            try:
                out = member.decompress(data, size)
            except (EOFError, OSError, self._error) as error:
                raise IngestError(f"the {self._name} data are damaged: {error}") from error
            if member.eof:
                self._rest = member.unused_data + self._rest
                self._member = self._make() if self._another() else None
            if out:
                return out
        if self._failure:
            raise IngestError(self._failure)
        return b""

    def _read(self) -> bytes:
        data, self._rest = self._rest[: self._piece], self._rest[self._piece :]
        return data or self._file.read1(self._piece)

    def _another(self) -> bool:
        """Whether another member follows. Zeros may fill a file up, and nothing else."""
        while len(self._rest) < len(self._magic) or not self._rest[0]:
            more = self._file.read1(_CHUNK)
            self._rest = self._rest.lstrip(b"\0") + more
            if not more:
                break
        if self._rest and not self._rest.startswith(self._magic):
            self._failure = f"behind the end of the {self._name} data there are other bytes"
        return bool(self._rest) and not self._failure


def unpacked(file: io.BufferedReader, seekable: bool) -> io.BufferedReader:
    """Return the stream of what `file` holds, itself if it is not packed.

    :raises IngestError: for an archive that is no single file, or a library that is missing.
    """
    start = file.peek(8)
    for form in _FORMATS:
        if start.startswith(form.magic):
            return HeldStream(_Members(file, form))
    if start.startswith(_ZIP) and seekable:
        return HeldStream(_pull_member(file))
    return file


def _pull_member(file: BinaryIO) -> Callable[[int], bytes]:
    try:
        archive = zipfile.ZipFile(file)
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise IngestError(f"the archive must hold one file, but holds {len(members)}")
        opened = cast(zipfile.ZipExtFile, archive.open(members[0]))
    except (*_ERRORS, NotImplementedError) as error:  # encrypted, or packed in a rare way
        raise IngestError(f"the archive cannot be unpacked: {error}") from error

    def pull(size: int) -> bytes:
        try:
            return opened.read1(_CHUNK)
        except _ERRORS as error:
            raise IngestError(f"the archive is damaged: {error}") from error

    return pull
