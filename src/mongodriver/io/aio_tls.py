"""TLS in an event loop, between a loop's transport and a stream's protocol.

Like the loops' own, with three differences: sessions are resumed, what was decrypted goes straight
into the stream's buffer, and it is the same in every loop.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from .base import HandshakeFailed

if TYPE_CHECKING:
    from .base import Address
    from .tls import Tls

#: What is read from the socket in one go, in bytes: at first, and at most. A record has 16 KiB.
_FIRST_SIZE, _LARGEST_SIZE = 32 * 1024, 256 * 1024


class TlsProtocol(asyncio.BufferedProtocol):
    """The loop's protocol, and the transport of the protocol above it.

    :param inner: a buffered protocol; it is connected once the handshake is done.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, inner: Any, tls: Tls, address: Address):
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl_object = tls.context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_hostname=address[0],
            session=tls.session(address),
        )
        # Past a method that only calls it, for each record.
        self._read: Any = getattr(self.ssl_object, "_sslobj", self.ssl_object).read
        self._view = memoryview(bytearray(_FIRST_SIZE))
        self._loop = loop
        self._transport: Any = None
        self._ready: asyncio.Future[None] | None = loop.create_future()
        self._paused = False

    async def handshake(self) -> None:
        """Wait for the handshake's end, and connect the protocol above then.

        :raises ssl.SSLError: as it fails.
        """
        ready = self._ready
        assert ready is not None
        try:
            self._shake()
            await ready
        except BaseException:
            self.abort()
            raise
        self._ready = None
        self._inner.connection_made(self)

    def _shake(self) -> None:
        ready = self._ready
        assert ready is not None
        if ready.done():
            return
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except Exception as exc:
            self._flush()  # the alert that tells the peer why
            self._fail(ready, exc)
        else:
            self._flush()
            ready.set_result(None)

    def _fail(self, ready: asyncio.Future[None], exc: Exception) -> None:
        ready.set_exception(exc)
        ready.exception()  # perhaps nobody waits any more: that is no news then

    def _flush(self) -> None:
        if self._outgoing.pending and self._transport is not None:
            self._transport.write(self._outgoing.read())

    # -- the loop's protocol --

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        view = self._view
        self._incoming.write(view[:nbytes])
        if self._ready is None:
            if nbytes == len(view) < _LARGEST_SIZE:
                self._view = memoryview(bytearray(2 * nbytes))
            self._drain()
        else:
            self._shake()

    def _drain(self) -> None:
        """Give the protocol above what can be decrypted, unless it has enough."""
        inner = self._inner
        more = True
        while more and not self._paused and self._transport is not None:
            buffer = inner.get_buffer(-1)
            try:
                count, more = self._decrypt(buffer)
            except ssl.SSLError as exc:
                self._flush()
                self._end(exc)
                return
            finally:
                del buffer  # so that a long message's can grow in place
            if count:
                inner.buffer_updated(count)
        if self._outgoing.pending:
            self._flush()  # an answer of TLS itself

    def _decrypt(self, buffer: memoryview) -> tuple[int, bool]:
        """Fill a buffer with what has come: how many bytes, and whether there may be more."""
        read, incoming = self._read, self._incoming
        size, have = len(buffer), 0
        try:
            while have < size:
                count = read(size - have, buffer[have:])
                if not count:
                    self._transport.abort()  # the peer has ended the conversation
                    return have, False
                have += count
                if not incoming.pending and not self.ssl_object.pending():
                    return have, False
        except ssl.SSLWantReadError:
            return have, False
        return have, True

    def _end(self, exc: Exception) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._inner.connection_lost(exc)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        ready = self._ready
        if ready is not None:
            if not ready.done():
                self._fail(ready, exc or HandshakeFailed("the peer ended the connection"))
        elif self._transport is not None:
            self._inner.connection_lost(exc)
        self._transport = None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    # -- the transport of the protocol above --

    def write(self, data: Any) -> None:
        self.ssl_object.write(data)
        self._transport.write(self._outgoing.read())

    def pause_reading(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self._transport.resume_reading()
        self._loop.call_soon(self._drain)  # what has been read already

    def abort(self) -> None:
        transport = self._transport
        if transport is not None:
            transport.abort()
