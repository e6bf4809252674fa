"""One source while it is read, with a look at its beginning before the rest follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers import CSVOptions, Record, Reject
from mongodriver.ingest.sources import FileSource, open_source, reader_factory

_LOOK = 1000  # bad records at the beginning after which no good one is expected


class Reading:
    """The records of one source, once; to be closed. Raises IngestError, OSError or one of DAMAGE
    when it cannot be opened."""

    def __init__(self, source: FileSource, options: CSVOptions) -> None:
        self._reject: Reject = self._keep
        self._ahead: list[Record] = []
        self._bad: list[tuple[int, bytes, str]] = []
        self._problems = 0
        self._first_problem = ""
        with ExitStack() as stack:
            self._opened = stack.enter_context(open_source(source))
            reader = reader_factory(source, options)(self._opened.stream, self._pass_on)
            self._records = iter(reader)
            self._stack = stack.pop_all()

    def look(self, problem_of: Callable[[dict[str, Any]], str | None]) -> None:
        """Read up to the first record that has no problem. What is read is kept for `records`.

        Raises IngestError when there are records and none is good, else what reading raises.
        """
        for record in self._records:
            self._ahead.append(record)
            problem = problem_of(record[2])
            if problem is None:
                return
            self._note(record[0], problem)
        if self._problems:
            raise IngestError(f"no record is good; {self._first_problem}")

    def records(self, reject: Reject) -> Iterator[Record]:
        """Return the records; those that are no documents go to `reject`."""
        self._reject = reject
        for bad in self._bad:
            reject(*bad)
        return chain(self._ahead, self._records)

    def position(self) -> int:
        """Return how many bytes of the file have been read, 0 when that is unknown."""
        return self._opened.position()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _pass_on(self, line: int, raw: bytes, message: str) -> None:
        self._reject(line, raw, message)

    def _keep(self, line: int, raw: bytes, message: str) -> None:
        self._bad.append((line, raw, message))
        self._note(line, message)

    def _note(self, line: int, problem: str) -> None:
        self._problems += 1
        self._first_problem = self._first_problem or f"line {line}: {problem}"
        if self._problems == _LOOK:
            raise IngestError(f"it begins with {_LOOK} bad records; {self._first_problem}")
