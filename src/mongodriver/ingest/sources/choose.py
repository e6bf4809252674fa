"""Which source a value stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.sources.files import STDIN, FileSource, make_source
from mongodriver.ingest.sources.iterables import AsyncIterableSource, IterableSource
from mongodriver.ingest.sources.records import RecordSource

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.sources.base import SourceLike

__all__ = ["as_source", "sources_of"]


def as_source(value: Any, options: IngestOptions) -> SourceLike:
    """A source, made of a file's description where it is none yet."""
    if isinstance(value, FileSource):
        return RecordSource(value, options.csv)
    source: SourceLike = value
    return source


def sources_of(
    value: Any, collection: Any, options: IngestOptions, form: str | None = None
) -> list[SourceLike]:
    """The sources of what `ingest` was given.

    :param form: the format of files; None: their names tell.
    :raises IngestError: for files of no known format, and patterns that no file fits.
    :raises TypeError: for what is no source.
    """
    if isinstance(value, (str, os.PathLike)):
        return _files([value], options, form)
    if isinstance(value, (list, tuple)) and value and _are_paths(value):
        return _files(value, options, form)
    if hasattr(value, "open") and hasattr(value, "awaits"):
        return [value]
    if form is not None:
        raise TypeError(f"format is for files, not for {type(value).__name__}")
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__"):
        columns: Any = import_module("mongodriver.ingest.sources.arrow")
        return [columns.ArrowSource(value)]
    if isinstance(value, (Mapping, bytes, bytearray, memoryview)):
        raise TypeError(
            f"a source is an iterable of documents, not a single {type(value).__name__}"
        )
    codec_options = collection.codec_options
    if hasattr(value, "__aiter__"):
        backend = collection._core.backend
        if backend.name == "blocking":
            raise TypeError("an asynchronous iterable needs ingest_async")
        return [AsyncIterableSource(value, codec_options, backend)]
    if isinstance(value, Iterable):
        return [IterableSource(value, codec_options)]
    raise TypeError(f"no documents can be read from {type(value).__name__}")


def _are_paths(values: Iterable[Any]) -> bool:
    return all(isinstance(value, (str, os.PathLike)) for value in values)


def _files(paths: Iterable[Any], options: IngestOptions, form: str | None) -> list[SourceLike]:
    sources: list[SourceLike] = []
    for path in paths:
        text = os.fspath(path)
        names = [text]
        if text != STDIN and glob.has_magic(text) and not os.path.exists(text):
            names = sorted(glob.glob(text, recursive=True))
            if not names:
                raise IngestError(f"no file fits {text!r}")
        sources += [as_source(make_source(name, form), options) for name in names]
    return sources
