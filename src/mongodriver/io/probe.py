"""What a port speaks whose peer hung up: TLS, and does it refuse a certificate; or plain text.

Hanging up is all that mongod does when TLS is on one side only, or when it does not take a client's
certificate; but so do proxies whose server is down. One more connection tells them apart. It says
nothing of the client or its user: a TLS ClientHello, of which the answer is read until it is clear,
or one bare hello. Where certificates are asked for, which servers do that can do without as well, a
whole handshake shows whether the peer hangs up before it was asked anything.

The functions that ask block; `find_out` has a backend run them.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS

from ..values.causes import CauseKind
from ..wire.header import OP_MSG, next_request_id, unpack_header
from ..wire.op_msg import encode_message
from .base import HEADER_SIZE, Address
from .blocking_connect import open_socket, open_through
from .deadline import remaining
from .faults import Finding, fault

if TYPE_CHECKING:
    import socket
    import ssl

    from ..values.proxy import Proxy
    from .base import Backend, ConnectOptions

__all__ = ["asks_for_certificate", "find_out", "hangs_up", "speaks_plain_text"]

#: Seconds that one look may take.
_PATIENCE = 1.0
#: And seconds in which a server hangs up that does not take a certificate.
_FAREWELL = 0.25
#: More than any server's first flight.
_MOST = 1 << 17

# RFC 5246: types of records (6.2.1) and of handshake messages (7.4).
_ALERT, _HANDSHAKE, _APPLICATION_DATA = 21, 22, 23
_CERTIFICATE_REQUEST, _SERVER_HELLO_DONE = 13, 14


async def find_out(
    backend: Backend, address: Address, options: ConnectOptions, error: BaseException
) -> None:
    """Look why a peer hung up, and make it the cause of the error, whose text stays as it is.

    :param error: of a connection that was opened with `options`.
    """
    kind = _kind(error)
    if kind not in (CauseKind.CLOSED, CauseKind.TLS_CLOSED) or address[1] is None:
        return
    look = _plain_text if kind == CauseKind.TLS_CLOSED else _with_tls
    end = monotonic() + _PATIENCE
    context = None if options.tls is None else options.tls.context
    try:
        found = await backend.call(look, address, options.proxy, context, end, deadline=end)
    except OSError:
        return
    if found is not None:
        finding = Finding(found)
        finding.__cause__ = error.__cause__
        error.__cause__ = finding


def _kind(error: BaseException) -> CauseKind | None:
    cause = error.__cause__
    return None if cause is None else fault(cause)


def _plain_text(
    address: Address, proxy: Proxy | None, context: ssl.SSLContext | None, end: float
) -> CauseKind | None:
    return CauseKind.TLS_PLAIN_TEXT if speaks_plain_text(address, proxy, end) else None


def _with_tls(
    address: Address, proxy: Proxy | None, context: ssl.SSLContext | None, end: float
) -> CauseKind | None:
    asks = asks_for_certificate(address, proxy, end)
    if context is None:
        return None if asks is None else CauseKind.TLS_REQUIRED
    if asks and hangs_up(address, proxy, context, end):
        return CauseKind.TLS_CLIENT_CERTIFICATE
    return None


def _open(address: Address, proxy: Proxy | None, end: float) -> socket.socket:
    if proxy is None:
        return open_socket(address, end)
    return open_through(proxy, address, end)


def speaks_plain_text(address: Address, proxy: Proxy | None, end: float) -> bool:
    """Whether a hello without TLS is answered.

    :param end: when to give up.
    :raises OSError: where that cannot be found out.
    """
    request_id = next_request_id()
    body = {"hello": 1, "$db": "admin"}
    with _open(address, proxy, end) as sock:
        sock.settimeout(remaining(end))
        sock.sendall(encode_message(request_id, 0, body, DEFAULT_CODEC_OPTIONS))
        header = _receive(sock, b"", HEADER_SIZE, end)
    if len(header) < HEADER_SIZE:
        return False
    _, _, response_to, opcode = unpack_header(header)
    answers: bool = response_to == request_id and opcode == OP_MSG
    return answers


def asks_for_certificate(address: Address, proxy: Proxy | None, end: float) -> bool | None:
    """Whether a TLS server asks for its clients' certificates; None where no TLS is spoken.

    It is asked in TLS 1.2, where that is not encrypted, and where it speaks no such version once
    more in TLS 1.3.

    :param end: when to give up.
    :raises OSError: where that cannot be found out.
    """
    received = b""
    with _open(address, proxy, end) as sock:
        sock.settimeout(remaining(end))
        sock.sendall(_client_hello(address[0]))
        while len(received) < _MOST:
            more = _receive(sock, received, len(received) + 1, end)
            if more == received:
                break
            received = more
            messages = _handshake_messages(received)
            if _CERTIFICATE_REQUEST in messages:
                return True
            if _SERVER_HELLO_DONE in messages:
                return False
    is_tls = _is_tls(received)
    asks = None
    # What has no use for this version sends an alert, or as mongod nothing.
    if not received or (is_tls and received[0] == _ALERT):
        asks = _asks_in_tls_1_3(address, proxy, end)
    return asks or (False if is_tls else asks)


def _is_tls(received: bytes) -> bool:
    """Whether it begins like TLS. An alert is that as well."""
    return len(received) >= 5 and received[0] in (_HANDSHAKE, _ALERT) and received[1] == 3


def _asks_in_tls_1_3(address: Address, proxy: Proxy | None, end: float) -> bool | None:
    """The same, where the client must complete the handshake to know; its last flight stays here.

    Without a certificate it sends "Finished" alone, where one is asked for an empty one before.
    """
    import ssl

    context = _unverified(ssl.TLSVersion.TLSv1_3)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=address[0])
    received = b""
    with _open(address, proxy, end) as sock:
        while len(received) < _MOST:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                break
            else:
                return _records(outgoing.read()).count(_APPLICATION_DATA) > 1
            sock.settimeout(remaining(end))
            sock.sendall(outgoing.read())
            data = _receive(sock, b"", 1, end)
            if not data:
                break
            incoming.write(data)
            received += data
    return False if _is_tls(received) else None


def hangs_up(address: Address, proxy: Proxy | None, context: ssl.SSLContext, end: float) -> bool:
    """Whether a TLS server ends a connection as soon as it has seen the client's certificate, or
    that there is none.

    :param end: when to give up.
    :raises OSError: where that cannot be found out.
    """
    import ssl

    with _open(address, proxy, end) as sock:
        sock.settimeout(remaining(end))
        try:
            with context.wrap_socket(sock, server_hostname=address[0]) as tls:
                tls.settimeout(min(remaining(end) or 0.0, _FAREWELL))
                return not tls.recv(1)
        except (TimeoutError, ssl.SSLCertVerificationError):
            return False  # it waits for what the client has to say; or is not trusted
        except (ssl.SSLError, ConnectionError):
            return True


def _receive(sock: socket.socket, received: bytes, size: int, end: float) -> bytes:
    """What was received with so much more that it is of that size; less at the end."""
    while len(received) < size:
        sock.settimeout(remaining(end))
        try:
            more = sock.recv(4096)
        except ConnectionError:
            break
        if not more:
            break
        received += more
    return received


def _unverified(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A context that trusts anybody, and speaks one version."""
    import ssl  # only where TLS may be spoken

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    if version == ssl.TLSVersion.TLSv1_3:
        context.minimum_version = version
    return context


def _client_hello(host: str) -> bytes:
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = _unverified(ssl.TLSVersion.TLSv1_2)
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=host).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def _records(data: bytes) -> list[int]:
    """The types of the records in what a client sends."""
    types = []
    while len(data) >= 5:
        types.append(data[0])
        data = data[5 + int.from_bytes(data[3:5], "big") :]
    return types


def _handshake_messages(data: bytes) -> set[int]:
    """The types of the whole handshake messages at the beginning of a server's flight."""
    content = bytearray()
    while len(data) >= 5 and data[0] == _HANDSHAKE:
        size = int.from_bytes(data[3:5], "big")
        content += data[5 : 5 + size]
        data = data[5 + size :]
    found = set()
    while len(content) >= 4:
        size = int.from_bytes(content[1:4], "big")
        if len(content) < 4 + size:
            break
        found.add(content[0])
        del content[: 4 + size]
    return found
