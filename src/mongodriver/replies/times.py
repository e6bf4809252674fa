"""The times in replies, which go back to the server with later commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsonx.timestamp import Timestamp

from .fields import unexpected, whole_number

__all__ = ["check_cluster_time", "is_cluster_time"]

#: Bytes or characters: far more than a signature has. Every command carries it.
_LONGEST_VALUE = 1024


def is_cluster_time(value: Any) -> bool:
    """Whether a server's ``$clusterTime`` is one."""
    if not isinstance(value, Mapping) or not isinstance(value.get("clusterTime"), Timestamp):
        return False
    if not _is_signature(value.get("signature")):
        return False
    # What it says is the server's affair, but it must be such that commands can carry it.
    for name, part in value.items():
        if name == "clusterTime":
            continue
        for inner in part.values() if isinstance(part, Mapping) else (part,):
            if isinstance(inner, (Mapping, list)):
                return False
            if isinstance(inner, (bytes, str)) and len(inner) > _LONGEST_VALUE:
                return False
    return True


def _is_signature(value: Any) -> bool:
    """Whether a signature is one, or left out.

    Servers refuse every command that brings back one that is none: the client would be lost.
    """
    if value is None:
        return True
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("hash"), bytes)
        and whole_number(value.get("keyId")) is not None
    )


def check_cluster_time(value: Any) -> None:
    """Raise ProtocolError for a ``$clusterTime`` that is none."""
    if not is_cluster_time(value):
        raise unexpected("$clusterTime", "a cluster time", value)
