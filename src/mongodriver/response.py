"""What a server has answered, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

__all__ = ["PinnedResponse", "Response"]


class Response:
    """The answer to one message.

    :param data: the reply as it came.
    :param address: (host, port) of the server.
    :param request_id: of the message it answers.
    :param duration: between the two.
    :param docs: the reply's documents.
    """

    __slots__ = ("_address", "_data", "_docs", "_duration", "_request_id")

    def __init__(
        self,
        data: Any,
        address: tuple[str, int | None],
        request_id: int,
        duration: timedelta | None,
        docs: Sequence[Mapping[str, Any]],
    ) -> None:
        self._data = data
        self._address = address
        self._request_id = request_id
        self._duration = duration
        self._docs = docs

    @property
    def data(self) -> Any:
        """The reply as it came."""
        return self._data

    @property
    def address(self) -> tuple[str, int | None]:
        """(host, port) of the server."""
        return self._address

    @property
    def request_id(self) -> int:
        """Of the message that was answered."""
        return self._request_id

    @property
    def duration(self) -> timedelta | None:
        """How long the answer took."""
        return self._duration

    @property
    def docs(self) -> Sequence[Mapping[str, Any]]:
        """The reply's documents."""
        return self._docs


class PinnedResponse(Response):
    """The answer of a server that the next message must go to over the same connection.

    :param conn: that connection.
    :param more_to_come: the server sends more without being asked.
    """

    __slots__ = ("_conn", "_more_to_come")

    def __init__(
        self,
        data: Any,
        address: tuple[str, int | None],
        conn: Any,
        request_id: int,
        duration: timedelta | None,
        docs: list[Mapping[str, Any]],
        more_to_come: bool,
    ) -> None:
        super().__init__(data, address, request_id, duration, docs)
        self._conn = conn
        self._more_to_come = more_to_come

    @property
    def conn(self) -> Any:
        """The connection the answer came over."""
        return self._conn

    @property
    def more_to_come(self) -> bool:
        """Whether the server sends more without being asked."""
        return self._more_to_come
