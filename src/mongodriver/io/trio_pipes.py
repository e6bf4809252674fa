"""Connected sockets in trio, plain or with TLS: bytes out and in. Each wait can be cancelled."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Protocol

import trio

from .base import ConnectionClosed, HandshakeFailed

if TYPE_CHECKING:
    from .base import Address, Conversation
    from .tls import Tls

__all__ = ["Pipe", "PlainPipe", "TlsPipe", "hold"]

#: What is read of a TLS connection in one go, in bytes: at first, and at most.
_FIRST_SIZE, _LARGEST_SIZE = 32 * 1024, 256 * 1024


class Pipe(Protocol):
    """What a stream reads from and writes to; it is closed from the trio thread alone."""

    sock: socket.socket

    async def send(self, data: Any) -> None:
        """Send all of it."""

    async def receive(self, size: int) -> bytes:
        """Wait for bytes, at most so many; b"" at the end."""

    async def receive_into(self, view: memoryview) -> int:
        """Fill the beginning of a buffer with what there is; how many bytes, 0 at the end."""

    def close(self) -> None:
        """Close it; whoever waits for it hears of that. Never raises."""


class PlainPipe:
    """A socket that does not block."""

    __slots__ = ("sock",)

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    async def send(self, data: Any) -> None:
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            await self._send_rest(memoryview(data)[sent:])

    async def _send_rest(self, rest: memoryview) -> None:
        while rest:
            await trio.lowlevel.wait_writable(self.sock)
            try:
                rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                pass

    async def receive(self, size: int) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self.sock)
            try:
                return self.sock.recv(size)
            except BlockingIOError:
                pass

    async def receive_into(self, view: memoryview) -> int:
        while True:
            try:
                return self.sock.recv_into(view)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self.sock)

    def close(self) -> None:
        try:
            trio.lowlevel.notify_closing(self.sock)
        except Exception:
            pass  # the run is over, and nobody waits; or it was closed before
        try:
            self.sock.close()
        except OSError:
            pass


class TlsPipe:
    """TLS over a plain pipe, in memory.

    :param address: of the peer, whose name its certificate must have.
    """

    def __init__(self, below: PlainPipe, tls: Tls, address: Address) -> None:
        import ssl  # many programs never need it

        self._below = below
        self.sock = below.sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl_object = tls.context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_hostname=address[0],
            session=tls.session(address),
        )
        self._wants_more = ssl.SSLWantReadError
        # Past a method that only calls it, for each record.
        self._read: Any = getattr(self.ssl_object, "_sslobj", self.ssl_object).read
        self._view = memoryview(bytearray(_FIRST_SIZE))

    async def handshake(self) -> None:
        """Begin to speak TLS.

        :raises ssl.SSLError: as it fails.
        """
        while True:
            try:
                self.ssl_object.do_handshake()
            except self._wants_more:
                await self._flush()
            except Exception:
                await self._flush()  # the alert that tells the peer why
                raise
            else:
                await self._flush()
                return
            if not await self._take():
                raise HandshakeFailed("the peer ended the connection")

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._below.send(self._outgoing.read())

    async def _take(self) -> bool:
        """Wait for more bytes of the peer's; whether there are any."""
        view = self._view
        await trio.lowlevel.wait_readable(self.sock)
        count = await self._below.receive_into(view)
        self._incoming.write(view[:count])
        if count == len(view) < _LARGEST_SIZE:
            self._view = memoryview(bytearray(2 * count))
        return count > 0

    async def send(self, data: Any) -> None:
        self.ssl_object.write(data)
        await self._below.send(self._outgoing.read())

    async def receive(self, size: int) -> bytes:
        while True:
            try:
                data: bytes = self._read(size)
            except self._wants_more:
                if not await self._take_more():
                    return b""
            else:
                await self._flush()  # an answer of TLS itself
                return data

    async def receive_into(self, view: memoryview) -> int:
        while (have := self._decrypt(view)) is None:
            if not await self._take_more():
                return 0
        await self._flush()
        return have

    def _decrypt(self, view: memoryview) -> int | None:
        """Put what can be decrypted into a buffer; how many bytes, 0 at the end, None if none can
        be before more has come.
        """
        have = 0
        try:
            while have < len(view):
                count = self._read(len(view) - have, view[have:])
                if not count:
                    break
                have += count
        except self._wants_more:
            return have or None
        return have

    async def _take_more(self) -> bool:
        await self._flush()
        return await self._take()

    def close(self) -> None:
        self._below.close()


async def hold(pipe: Pipe, talk: Conversation) -> None:
    """Carry a conversation on; the caller limits the time."""
    try:
        step = next(talk)
        while True:
            if isinstance(step, bytes):
                await pipe.send(step)
                step = next(talk)
            else:
                step = talk.send(await pipe.receive(step))
    except StopIteration:
        pass
    except trio.ClosedResourceError:
        raise ConnectionClosed("connection closed") from None
