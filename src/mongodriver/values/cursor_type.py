"""What synchronous and asynchronous cursors have in common for their users."""

from __future__ import annotations

from mongodriver.values.public_names import known_as

__all__ = ["CursorType"]

#: Flags of a query, by the names of the wire protocol that first had them.
_QUERY_OPTIONS = {
    "tailable_cursor": 2,
    "secondary_okay": 4,
    "oplog_replay": 8,
    "no_timeout": 16,
    "await_data": 32,
    "exhaust": 64,
    "partial": 128,
}


class CursorType:
    """What happens when a cursor has returned the last document there is."""

    #: It is closed.
    NON_TAILABLE = 0
    #: It stays, on a capped collection, and later documents can be read.
    TAILABLE = _QUERY_OPTIONS["tailable_cursor"]
    #: It stays, and the server waits a while for new documents before it answers.
    TAILABLE_AWAIT = TAILABLE | _QUERY_OPTIONS["await_data"]
    #: The server sends all batches without being asked.
    EXHAUST = _QUERY_OPTIONS["exhaust"]


known_as("mongodriver.cursor_shared", globals())
