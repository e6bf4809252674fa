"""The file of rejected records."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TextIO

import bsonx
import bsonx.json_util as json_util
from bsonx.codec_options import CodecOptions, DatetimeConversion
from mongodriver.ingest.errors import IngestError, RejectFileError
from mongodriver.ingest.report import PARSE, Code

if TYPE_CHECKING:
    from mongodriver.ingest.seams import Letter
    from mongodriver.ingest.sources import FileSource

_ANY_DATE: CodecOptions[Any] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


class RejectFile:
    """Collects the rejected records: a JSON object on each line with `file`, `line`, `code`,
    `error` and either `record` (the text as read) or `document` (extended JSON).

    The file is made when the first record is rejected, and nothing is ever written over. Raises
    IngestError when it is one of `sources` or has content already, OSError when it cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], sources: Iterable[FileSource] = ()) -> None:
        self._path = os.fspath(path)
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._broken = False
        for source in sources:
            self.refuse(source)
        self._exists = _check(self._path)
        if not self._exists:
            self._path = os.path.realpath(path)  # "x" does not make what a link leads to

    def refuse(self, source: FileSource) -> None:
        """Raise IngestError when this file is the source: also under another name, or a link."""
        if _is_same(self._path, source):
            raise IngestError(f"rejected records cannot go to {source.name}, which is to be read")

    def text(self, file: str, line: int, error: str, raw: bytes, code: Code = PARSE) -> None:
        """Add a record that is no document; raises RejectFileError, but only once."""
        record = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
        entry = {"file": file, "line": line, "code": code, "error": error, "record": record}
        self._write(json.dumps(entry, ensure_ascii=False))

    def document(
        self, file: str, line: int, code: Code, error: str, document: Mapping[str, Any]
    ) -> None:
        """Add a document that could not be encoded or that the server has refused; raises as
        `text` does."""
        entry = {"file": file, "line": line, "code": code, "error": error}
        self._write(_with_document(entry, document))

    async def add(self, letters: Sequence[Letter]) -> None:
        """Add some; see `seams.DeadLetters`."""
        for letter in letters:
            if letter.document is not None:
                document = bsonx.decode(letter.document, _ANY_DATE)
                self.document(letter.source, letter.position, letter.code, letter.error, document)
            elif letter.raw is not None:
                self.text(letter.source, letter.position, letter.error, letter.raw, letter.code)
            else:
                self.document(
                    letter.source, letter.position, letter.code, letter.error, letter.value
                )

    async def flush(self) -> None:
        """Hand what is buffered to the system."""
        if self._file is not None:
            self._file.flush()

    def _write(self, line: str) -> None:
        with self._lock:
            if self._broken:
                return
            try:
                if self._file is None:
                    self._file = self._open()
                self._file.write(line + "\n")
            except OSError as error:
                self._broken = True
                raise RejectFileError(f"rejected records cannot be written: {error}") from error

    def _open(self) -> TextIO:
        if self._exists:
            return open(self._path, "a", encoding="utf-8")  # keeps what it has by now
        return open(self._path, "x", encoding="utf-8")  # fails if somebody else has made it since

    def close(self) -> None:
        """Write what is buffered and close the file."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _check(path: str) -> bool:
    """Return whether there is a file at `path`; raises as the constructor of RejectFile does."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        folder = os.path.dirname(os.path.realpath(path))
        if not os.path.isdir(folder):
            raise
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _os_error(errno.EACCES, path)
        return False
    if stat.S_ISDIR(found.st_mode):
        raise _os_error(errno.EISDIR, path)
    if stat.S_ISREG(found.st_mode) and found.st_size:
        raise IngestError(f"rejected records cannot go to {path}, which exists and is not empty")
    if not os.access(path, os.W_OK):
        raise _os_error(errno.EACCES, path)
    return True


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _is_same(path: str, source: FileSource) -> bool:
    try:
        found = os.stat(path)
        read = os.fstat(sys.stdin.fileno()) if source.is_stdin else os.stat(source.path)
    except (OSError, ValueError, AttributeError):  # no such file; a stdin that is closed or none
        return False
    # A device or a pipe holds nothing that writing could destroy: both may be one terminal.
    return stat.S_ISREG(found.st_mode) and os.path.samestat(found, read)


def _with_document(entry: dict[str, Any], document: Mapping[str, Any]) -> str:
    try:
        text: str = json_util.dumps({**entry, "document": document})
        text.encode("utf-8")
    except Exception:  # it may be anything that is not BSON: keep at least what it looks like
        return json.dumps({**entry, "record": repr(document)})
    return text
