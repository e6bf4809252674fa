"""Whether sockets can be read or written now, and whether the peer has closed them."""

from __future__ import annotations

import select
from typing import Any

from mongodriver.values.public_names import known_as

__all__ = ["SocketChecker"]


class SocketChecker:
    """Asks the operating system about sockets, without reading from them."""

    def __init__(self) -> None:
        self._polls = hasattr(select, "poll")

    def select(
        self, sock: Any, read: bool = False, write: bool = False, timeout: float | None = 0
    ) -> bool:
        """Return whether a socket can be read or written within `timeout` seconds; None: for ever.

        :raises ValueError: for a closed socket.
        """
        number = sock.fileno()
        if number < 0:
            raise ValueError(f"file descriptor cannot be a negative integer ({number})")
        if not self._polls:
            wanted = [sock] if read else [], [sock] if write else []
            return any(select.select(*wanted, [sock], timeout))
        poll = select.poll()
        mask = select.POLLERR | select.POLLHUP | select.POLLNVAL
        if read:
            mask |= select.POLLIN | select.POLLPRI
        if write:
            mask |= select.POLLOUT
        poll.register(number, mask)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def socket_closed(self, sock: Any) -> bool:
        """Return whether a socket that nobody expects data from is closed, by either side."""
        try:
            return self.select(sock, read=True)
        except (OSError, ValueError):
            return True


known_as("mongodriver.socket_checker", globals())
