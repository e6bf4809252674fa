"""What every part of GridFS needs: results of either flavour, and the collections it works on.

The coroutines here call the public methods of collections and cursors, whatever the flavour: a
synchronous one has done its work when it returns, an asynchronous one is awaited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsonx.codec_options import TypeRegistry
from mongodriver.sessions.binding import current
from mongodriver.values.errors import InvalidOperation

__all__ = ["exactly", "next_of", "plain_documents_of", "refuse_transaction", "settled", "usual"]

_NO_CONVERSIONS = TypeRegistry()
_NO_TRANSACTIONS = "GridFS does not support multi-document transactions"


async def settled(result: Any) -> Any:
    """What a method of either flavour comes to."""
    return await result if hasattr(type(result), "__await__") else result


async def next_of(cursor: Any) -> Any:
    """The next item of a cursor, or None at its end."""
    try:
        return await settled(cursor.next())
    except (StopIteration, StopAsyncIteration):
        return None


def exactly(value: Any) -> dict[str, Any]:
    """A condition that one value meets, also where it looks like a condition itself.

    GridFS specification, TFileId Queries.
    """
    return {"$eq": value}


def refuse_transaction(session: Any) -> None:
    """Refuse a session, given or bound, that is in a transaction.

    :raises InvalidOperation: if it is.
    """
    used = current() if session is None else session
    if used is not None and used.in_transaction:
        raise InvalidOperation(_NO_TRANSACTIONS)


def usual(collection: Any) -> Any:
    """A collection without the conversions of values that an application may have registered.

    Its documents are mappings too: GridFS has to read them.
    """
    options = collection.codec_options
    cls = options.document_class
    readable = isinstance(cls, type) and issubclass(cls, Mapping)
    if readable and options.type_registry == _NO_CONVERSIONS:
        # Not an application's own class, whose attributes may be something else.
        return collection.with_options()
    options = options.with_options(
        type_registry=_NO_CONVERSIONS, document_class=cls if readable else dict
    )
    return collection.with_options(codec_options=options)


def plain_documents_of(collection: Any) -> Any:
    """The same collection with documents that are dicts."""
    options = collection.codec_options
    if options.document_class is dict:
        return collection
    return collection.with_options(codec_options=options.with_options(document_class=dict))
