"""What users may give as a whole document: a mapping, raw BSON, an instance with typed fields."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from bsonx.raw_bson import RawBSONDocument
from mongodriver.values.validators import validate_is_document_type, validate_ok_for_replace

__all__ = ["document_to_insert", "replacement_to_send"]


def document_to_insert(document: Any, codec_options: Any, option: str = "document") -> Any:
    """A document to be inserted: of an instance a raw one that has an ``identity``, its ``_id``.

    :raises TypeError: for what is no document, naming the `option`.
    """
    if isinstance(document, (MutableMapping, RawBSONDocument)):
        return document
    from .typed_documents import identified  # few give any

    made = identified(document, codec_options)
    validate_is_document_type(option, made)
    return made


def replacement_to_send(replacement: Any, codec_options: Any) -> Any:
    """A document without update operators that replaces another one.

    :raises TypeError: for what is no document.
    :raises ValueError: for one with operators.
    """
    if type(replacement) is not dict and not isinstance(replacement, Mapping):
        from .typed_documents import encoded  # few give any

        replacement = encoded(replacement, codec_options)
    validate_ok_for_replace(replacement)
    return replacement
