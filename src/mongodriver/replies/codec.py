"""How replies are decoded, apart from the documents of the user in them.

The user's classes and type decoders are for the user's documents. What the server says of a write
or a command is read with plain dicts and plain values, or the driver could not rely on it: a
decoder for int64 would change the ``$clusterTime`` that goes back with the next command.
"""

from __future__ import annotations

from typing import Any

__all__ = ["plain", "without_decoders"]


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
