"""How replies are decoded, apart from the documents of the user in them.

The user's classes and type decoders are for the user's documents. What the server says of a write
or a command is read with plain dicts and plain values, or the driver could not rely on it: a
decoder for int64 would change the ``$clusterTime`` that goes back with the next command.
"""

from __future__ import annotations

from typing import Any

__all__ = ["of_writes", "plain", "without_decoders"]

#: Options of the user, by identity, and what `of_writes` made of them: there are few in a program,
#: and each new collection object asks.
_known: dict[int, tuple[Any, Any]] = {}
_MOST_KNOWN = 64


def of_writes(options: Any) -> Any:
    """`plain`, for replies to writes: what has been done must not be hidden by a bad text.

    Servers cut the values that they quote in messages wherever these become too long, also within
    a character.
    """
    known = _known.get(id(options))
    if known is not None and known[0] is options:
        return known[1]
    made = plain(options).with_options(unicode_decode_error_handler="replace")
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[id(options)] = options, made
    return made


def plain(options: Any) -> Any:
    """Codec options with dicts for documents and no type decoders.

    The rest is as the user has it: dates of an ``upserted_id`` bear their zone, UUIDs are UUIDs.
    """
    options = without_decoders(options)
    return options if options.document_class is dict else options.with_options(document_class=dict)


def without_decoders(options: Any) -> Any:
    """Codec options without type decoders: for the reply to a command of the user's."""
    if not options.type_registry._decoder_map:
        return options
    return options.with_options(type_registry=None)
