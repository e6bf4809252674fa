"""Instances of classes with typed fields where the driver takes documents: encoded at once.

Few programs give any; whoever finds something that is no mapping asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsonx import decode, encode
from bsonx.codec_options import untyped
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from bsonx.typed import identity_attribute, is_instance

from .identified import IdentifiedDocument

__all__ = ["encoded", "identified"]


def encoded(value: Any, codec_options: Any) -> Any:
    """An instance as a raw document; anything else as it is."""
    if isinstance(value, Mapping) or not is_instance(value):
        return value
    return RawBSONDocument(encode(value, codec_options=codec_options))


def identified(value: Any, codec_options: Any) -> Any:
    """An instance as a raw document that has an ``_id``; anything else as it is.

    An instance without ``_id``, or where it is None, is left as it is: the document has a new one.
    """
    if isinstance(value, Mapping) or not is_instance(value):
        return value
    data = encode(value, codec_options=codec_options)
    own = _identity(value, data, codec_options)
    if own is None:
        own = ObjectId()
        element = b"\x07_id\0" + own.binary
        size = (len(data) + len(element)).to_bytes(4, "little")
        data = b"".join((size, element, data[4:]))
    document = IdentifiedDocument(data)
    document.identity = own
    return document


def _identity(value: Any, data: bytes, codec_options: Any) -> Any:
    """The ``_id`` of an instance, as it holds it; None if there is none in `data`."""
    if "_id" not in RawBSONDocument(data):
        return None
    name = identity_attribute(value)
    if name is not None:
        return getattr(value, name)
    return decode(data, codec_options=untyped(codec_options))["_id"]
