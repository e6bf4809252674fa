"""Which source a value stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mongodriver.ingest.sources.arrow import ArrowSource, is_arrow
from mongodriver.ingest.sources.by_format import source_of_file
from mongodriver.ingest.sources.files import FileSource, make_sources
from mongodriver.ingest.sources.iterables import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from mongodriver.ingest.options import IngestOptions
    from mongodriver.ingest.sources.base import SourceLike

__all__ = ["as_source", "sources_of"]


def as_source(value: Any, options: IngestOptions) -> SourceLike:
    """A source, made of a file's description where it is none yet."""
    if not isinstance(value, FileSource):
        source: SourceLike = value
        return source
    return source_of_file(value, options.csv)


def sources_of(
    value: Any,
    collection: Any,
    options: IngestOptions,
    form: str | None = None,
    encoding: str | None = None,
) -> list[SourceLike]:
    """The sources of what `ingest` was given.

    :param form: the format of files; None: their names tell.
    :param encoding: of their text; None: UTF-8, or what a mark at their beginning says.
    :raises IngestError: for files of no known format, and patterns that no file fits.
    :raises TypeError: for what is no source.
    """
    if isinstance(value, (str, os.PathLike)):
        return _files([value], options, form, encoding)
    if isinstance(value, (list, tuple)) and value and _are_paths(value):
        return _files(value, options, form, encoding)
    if hasattr(value, "open") and hasattr(value, "awaits"):
        return [value]
    if form is not None or encoding is not None:
        raise TypeError(f"format and encoding are for files, not for {type(value).__name__}")
    if is_arrow(value):
        return [ArrowSource(value)]
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


def _files(
    paths: Iterable[Any], options: IngestOptions, form: str | None, encoding: str | None
) -> list[SourceLike]:
    return [as_source(source, options) for source in make_sources(paths, form, encoding)]
