"""Dead letters in files: NDJSON, for people to read and to repair, or BSON."""

from __future__ import annotations

import os
import stat
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from mongodriver.ingest.dead_letter.entry import (
    BadEntry,
    DeadRecord,
    from_bson,
    from_json,
)
from mongodriver.ingest.errors import DeadLetterError, IngestError
from mongodriver.ingest.outputs import InputFile, check_new_file, refuse_inputs

WHAT = "dead letters"
_MAX_ENTRY = 128 << 20  # bytes
_JSON_START, _BSON_START = b'{"file"', b"\x02file\0"  # of an entry, in BSON behind its size

Entry = tuple[int, int, DeadRecord | BadEntry]


class FileDeadLetter:
    """Writes an entry for every dead record, to BSON where the path ends in `.bson`, else to
    NDJSON.

    The file is made when the first record is dead, and nothing is ever written over. Every entry
    is with the operating system when `add` returns, so that a killed process loses none.

    :param path: the file.
    :param sources: what is to be read, and so must not be written to.
    :param resume: go on with the entries that are there; see `settled`.
    :raises IngestError: when it is one of the sources or has content already.
    :raises OSError: when it cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sources: Iterable[InputFile] = (),
        *,
        resume: bool = False,
    ) -> None:
        self.path = os.fspath(path)
        self._lock = threading.Lock()
        self._file: int | None = None
        self._broken = False
        self._settled: set[tuple[str, int]] = set()
        self.check(sources)
        if resume and os.path.isfile(self.path):
            self._exists = True
            self._settled = _take_up(self.path)
        else:
            self._exists = check_new_file(self.path, WHAT)
        if not self._exists:
            self.path = os.path.realpath(path)  # "x" does not make what a link leads to

    def check(self, sources: Iterable[InputFile]) -> None:
        """Raise IngestError when this file is one of the sources."""
        refuse_inputs(self.path, sources, WHAT)

    async def settled(self) -> set[tuple[str, int]]:
        """Return (source, position) of the records that an earlier run of the job found dead."""
        return self._settled

    async def add(self, records: Sequence[DeadRecord]) -> None:
        """Write entries. Raises DeadLetterError, but only once: one such error ends a job."""
        binary = self.path.endswith(".bson")
        entries = [record.with_id() for record in records]
        if binary:
            data = b"".join([entry.to_bson() for entry in entries])
        else:
            lines = [entry.to_json() + "\n" for entry in entries]
            data = "".join(lines).encode("utf-8", "backslashreplace")
        self._write(data)

    def sync(self) -> None:
        """Return when the entries would outlive a failure of power. Raises DeadLetterError."""
        with self._lock:
            if self._file is None or self._broken:
                return
            try:
                if stat.S_ISREG(os.fstat(self._file).st_mode):
                    os.fsync(self._file)
            except OSError as error:
                raise self._failure(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                os.close(file)

    def _write(self, data: bytes) -> None:
        with self._lock:
            if self._broken:
                return
            try:
                if self._file is None:
                    # Anything that has appeared meanwhile is somebody else's.
                    new = 0 if self._exists else os.O_CREAT | os.O_EXCL
                    self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | new, 0o666)
                _write_whole(self._file, data)
            except OSError as error:
                raise self._failure(error) from error

    def _failure(self, error: OSError) -> DeadLetterError:
        self._broken = True
        return DeadLetterError(f"{WHAT} cannot be written: {error}")


def _write_whole(file: int, data: bytes) -> None:
    """Write everything, or leave nothing of it in a file that is one."""
    found = os.fstat(file)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError:
        if stat.S_ISREG(found.st_mode):
            os.ftruncate(file, found.st_size)
        raise


def _take_up(path: str) -> set[tuple[str, int]]:
    """Return the places of the entries in a file, without a last one that was cut off."""
    places = set()
    whole = 0
    try:
        for _, end, entry in read_entries(path):
            if isinstance(entry, BadEntry):
                raise IngestError(f"{path} is no dead letter of this job: {entry}")
            places.add(entry.place)
            whole = end
    except EOFError as error:
        _cut_off(path, whole, error)
    if not path.endswith(".bson"):
        _end_line(path)
    return places


def _cut_off(path: str, whole: int, error: EOFError) -> None:
    """Remove the rest of an entry from the end of a file, if it is one. Raises IngestError."""
    with open(path, "rb") as file:
        file.seek(whole + (4 if path.endswith(".bson") else 0))
        start = file.read(len(_BSON_START))
    known = _BSON_START if path.endswith(".bson") else _JSON_START
    if start[: len(known)] != known[: len(start)]:
        raise IngestError(f"{path} is no dead letter of this job: {error}")
    os.truncate(path, whole)


def _end_line(path: str) -> None:
    """Have the last entry of a file end its line, from which alone the end may be missing."""
    with open(path, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        if file.read(1) not in (b"", b"\n"):
            file.write(b"\n")


def read_entries(path: str) -> Iterator[Entry]:
    """Yield all entries: (line or number, where it ends in the file, record or what is wrong).

    Raises EOFError at an entry that is cut off, OSError.
    """
    with open(path, "rb") as file:
        yield from (_read_bson if path.endswith(".bson") else _read_lines)(file)


def _read_lines(file: BinaryIO) -> Iterator[Entry]:
    end = 0
    for number, line in enumerate(file, 1):
        end += len(line)
        if not line.strip():
            continue
        try:
            yield number, end, from_json(line)
        except BadEntry as error:
            if not line.endswith(b"\n"):
                raise EOFError(str(error)) from error
            yield number, end, error


def _read_bson(file: BinaryIO) -> Iterator[Entry]:
    end = number = 0
    while head := file.read(4):
        size = struct.unpack("<i", head)[0] if len(head) == 4 else 0
        if len(head) == 4 and not 5 <= size <= _MAX_ENTRY:
            raise IngestError(f"byte {end}: no BSON document has a length of {size}")
        data = head + file.read(max(0, size - 4))
        if len(head) < 4 or len(data) < size:
            raise EOFError("the last entry is cut off")
        end += size
        number += 1
        try:
            yield number, end, from_bson(data)
        except BadEntry as error:
            yield number, end, error
