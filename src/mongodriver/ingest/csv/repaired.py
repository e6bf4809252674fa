"""Rows of CSV that were rejected, and have been repaired since."""

from __future__ import annotations

import io
from collections.abc import Mapping

from bsonx.csv import Converter, Plan
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.dead_letter.entry import DeadRecord
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import BadRecord
from mongodriver.ingest.sources.files import FileSource, likely_delimiter, open_source

__all__ = ["RepairedRows"]


class RepairedRows:
    """Makes documents of rows, with the names and types that their file gave to its other rows.

    :param options: those that the file was read with.
    :param encoding: of the file, where it does not say so itself.
    """

    def __init__(self, options: CSVOptions, encoding: str | None = None) -> None:
        self._options = options
        self._encoding = encoding
        self._known: dict[str, Converter | str] = {}  # by file: or what is wrong with it

    def __call__(self, record: DeadRecord) -> bytes:
        """Return the document, as BSON without an `_id` of its own making. Raises BadRecord."""
        converter = self._known.get(record.source)
        if converter is None:
            converter = self._known[record.source] = self._look_into(record)
        if isinstance(converter, str):
            raise BadRecord(converter)
        rows = converter.read(record.text or b"")
        for _, _, problem in rows.rejects:
            raise BadRecord(problem)
        if len(rows.ends) != 4:
            raise BadRecord(f"one row is needed, not {len(rows.ends) // 4}")
        return rows.data

    def _look_into(self, record: DeadRecord) -> Converter | str:
        try:
            plan = self._plan(record)
        except (OSError, IngestError) as error:
            return (
                f"how {record.source} names and types its columns cannot be seen ({error}): "
                "say it (columns, types), or put a document into the entry"
            )
        if plan is None:
            return f"{record.source} is empty by now, so that its columns have no names"
        return Converter(plan)

    def _plan(self, record: DeadRecord) -> Plan | None:
        source = FileSource(record.source, "csv", self._encoding)
        try:
            with open_source(source) as opened:
                return CSVText(opened.stream, self._options, likely_delimiter(source)).begin()
        except OSError:
            if not _says_all(self._options.columns, self._options.types):
                raise
            stream = io.BytesIO(record.text or b"")
            return CSVText(stream, self._options, likely_delimiter(source)).begin()


def _says_all(columns: object, types: Mapping[str, str]) -> bool:
    """Whether nothing has to be guessed from other rows."""
    return isinstance(columns, list | tuple) and all(name in types for name in columns)
