"""Key specifications of sort, hint and index keys, and projections.

Users write the same thing in many ways: a name, a list of names and (name, direction) pairs, or a
mapping.  On the wire it is always a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

__all__ = ["field_document", "hint_document", "index_name", "key_document", "key_pairs"]

_ASCENDING = 1


def key_pairs(key_or_list: Any, direction: Any = None) -> Sequence[Any]:
    """A sequence of names and (name, direction) pairs, from a key argument and its direction.

    Raises TypeError for arguments that name no keys.
    """
    if direction is not None:
        if not isinstance(key_or_list, str):
            raise TypeError(f"Expected a string and a direction, not {type(key_or_list)}")
        return [(key_or_list, direction)]
    if isinstance(key_or_list, str):
        return [(key_or_list, _ASCENDING)]
    if type(key_or_list).__name__ == "dict_items":
        return list(key_or_list)
    if isinstance(key_or_list, Mapping):
        return list(key_or_list.items())
    if not isinstance(key_or_list, (list, tuple)):
        raise TypeError(
            "if no direction is specified, key_or_list must be an instance of list, "
            f"not {type(key_or_list)}"
        )
    return key_or_list


def key_document(keys: Any) -> dict[str, Any]:
    """The document for a list or mapping of keys.

    Raises TypeError for wrong types and ValueError for no keys.
    """
    if not isinstance(keys, (list, tuple, Mapping)):
        raise TypeError(f"must use a dictionary or a list of (key, direction) pairs, not: {keys!r}")
    if not keys:
        raise ValueError("key_or_list must not be empty")
    document: dict[str, Any] = {}
    pairs: Iterable[Any] = keys if isinstance(keys, (list, tuple)) else keys.items()
    for item in pairs:
        name, direction = (item, _ASCENDING) if isinstance(item, str) else item
        if not isinstance(name, str):
            raise TypeError(
                f"first item in each key pair must be an instance of str, not {type(name)}"
            )
        if not isinstance(direction, (str, int, Mapping)):
            raise TypeError(
                "second item in each key pair must be 1, -1, '2d', or another valid MongoDB "
                f"index specifier., not {type(direction)}"
            )
        document[name] = direction
    return document


def hint_document(hint: Any) -> str | dict[str, Any]:
    """A hint as it goes on the wire: an index name stays, keys become a document."""
    return hint if isinstance(hint, str) else key_document(hint)


def index_name(keys: Sequence[Any]) -> str:
    """The name the server tools give an index over these pairs: ``a_1_b_-1``."""
    parts = []
    for item in keys:
        name, direction = (item, _ASCENDING) if isinstance(item, str) else item
        parts.append(f"{name}_{direction}")
    return "_".join(parts)


def field_document(fields: Any, option: str = "projection") -> Mapping[str, Any]:
    """A projection as it goes on the wire: a mapping stays, names become ``{name: 1}``.

    Raises TypeError for anything else.
    """
    if type(fields) is dict or isinstance(fields, Mapping):
        return fields
    if not isinstance(fields, (Sequence, Set)):
        raise TypeError(f"{option} must be a mapping or list of key names")
    if not all(isinstance(name, str) for name in fields):
        raise TypeError(f"{option} must be a list of key names, each an instance of str")
    return dict.fromkeys(fields, 1)
