"""Batches as bytes, for cursors that leave decoding to their user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsonx.raw_bson import RawBSONDocument

__all__ = ["RAW_FIELDS", "join_raw", "raw_codec_options", "with_joined_batch"]

#: The reply's batches, decoded as raw documents.
RAW_FIELDS = frozenset({"firstBatch", "nextBatch"})


def raw_codec_options(codec_options: Any) -> Any:
    """The same options with documents left as bytes."""
    return codec_options.with_options(document_class=RawBSONDocument)


def join_raw(batch: list[Any]) -> list[bytes]:
    """A batch of raw documents as one bytes object; no documents give no item."""
    return [b"".join([document.raw for document in batch])] if batch else []


def with_joined_batch(reply: Mapping[str, Any]) -> dict[str, Any]:
    """A cursor's reply whose batch is as the user sees it: one bytes object."""
    cursor = reply.get("cursor")
    if not isinstance(cursor, dict):
        return dict(reply)
    batches = {name: join_raw(cursor[name]) for name in RAW_FIELDS if name in cursor}
    return {**reply, "cursor": {**cursor, **batches}}
