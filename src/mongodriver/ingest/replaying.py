"""Loading what was dead, and has been repaired."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from mongodriver.ingest.csv.repaired import RepairedRows
from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.options import IngestOptions
from mongodriver.ingest.sources.entries import EntriesCollection, EntriesFile
from mongodriver.public.collection_base import CollectionBase

__all__ = ["source_of", "without_id_field"]


def source_of(dead_letter: Any, options: IngestOptions, encoding: str | None = None) -> Any:
    """Return the source that reads a dead letter.

    :param options: those of the job that rejected its records.
    """
    convert = {"csv": RepairedRows(options.csv, encoding)}
    if isinstance(dead_letter, str | os.PathLike):
        return EntriesFile(dead_letter, convert, options.id_field)
    if isinstance(dead_letter, CollectionBase):
        return EntriesCollection(dead_letter, convert, options.id_field)
    kind = type(dead_letter).__name__
    raise IngestError(f"a dead letter is read from a path or a collection, not from {kind}")


def without_id_field(options: IngestOptions) -> IngestOptions:
    """Return the options of a replay: its source sees to the `_id`s."""
    return replace(options, id_field=None)
