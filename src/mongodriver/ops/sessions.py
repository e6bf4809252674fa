"""endSessions: telling the server which sessions the client needs no more."""

from __future__ import annotations

from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

from .base import Attempt, Command, Operation

__all__ = ["EndSessions"]


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
