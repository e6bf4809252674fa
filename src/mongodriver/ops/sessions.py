"""Telling a server which sessions the client needs no more."""

from __future__ import annotations

from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

from .base import Attempt, Command, Operation

__all__ = ["EndSessions", "KillSessions"]


class EndSessions(Operation[None]):
    """The endSessions command.

    :param ids: at most `values.limits.MAX_END_SESSIONS` of them.
    """

    name = "endSessions"
    database = "admin"
    codec_options = DEFAULT_CODEC_OPTIONS
    supports_session = False
    takes_max_time = False

    def __init__(self, ids: list[dict[str, Any]], read_preference: Any) -> None:
        self._ids = ids
        self.read_preference = read_preference

    def build(self, attempt: Attempt) -> Command:
        return Command({"endSessions": self._ids})


class KillSessions(Operation[None]):
    """The killSessions command: operations, cursors and transactions of the sessions end.

    :param ids: at most `values.limits.MAX_END_SESSIONS` of them.
    """

    name = "killSessions"
    database = "admin"
    codec_options = DEFAULT_CODEC_OPTIONS
    supports_session = False
    takes_max_time = False

    def __init__(self, ids: list[dict[str, Any]]) -> None:
        self._ids = ids

    def build(self, attempt: Attempt) -> Command:
        return Command({"killSessions": self._ids})
