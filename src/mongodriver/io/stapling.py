"""The OCSP response that a server staples to its certificate (RFC 6066, 8).

Python's ssl module cannot ask for it. pyOpenSSL can, in a handshake of its own, over which nothing
else is sent: so nothing rests on that connection. The response is signed, and is about the
certificate that was verified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .deadline import remaining

if TYPE_CHECKING:
    import socket

    from .base import Address

#: Opens a connection with a server, until a deadline.
Dial = Callable[["float | None"], "socket.socket"]

_SIZE = 16 * 1024
#: Bytes that no handshake has.
_TOO_MUCH = 256 * 1024


def stapled_response(
    address: Address, certificate: bytes, dial: Dial, deadline: float | None
) -> bytes | None:
    """What the server staples to a certificate; None if that is nothing, or cannot be had.

    :param certificate: in DER; a server that presents another one now has nothing to say of it.
    """
    from OpenSSL import SSL

    heard: list[bytes] = []

    def hear(connection: Any, response: bytes, data: Any) -> bool:
        heard.append(response)
        return True

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *args: True)
    context.set_ocsp_client_callback(hear)
    connection = SSL.Connection(context, None)
    connection.request_ocsp()
    connection.set_connect_state()
    try:
        if _is_name(address[0]):
            connection.set_tlsext_host_name(address[0].encode("idna"))
        with dial(deadline) as sock:
            _shake_hands(sock, connection, deadline)
    except (OSError, SSL.Error, UnicodeError):
        pass  # a server that wants a certificate of us may have said all before
    presented = connection.get_peer_certificate(as_cryptography=True) if heard else None
    if presented is None or _der(presented) != certificate:
        return None
    return heard[0]


def _shake_hands(sock: socket.socket, connection: Any, deadline: float | None) -> None:
    from OpenSSL import SSL

    received = 0
    while received < _TOO_MUCH:
        try:
            connection.do_handshake()
            return
        except SSL.WantReadError:
            pass
        try:
            sock.settimeout(remaining(deadline))
            sock.sendall(connection.bio_read(_SIZE))
        except SSL.WantReadError:
            pass  # nothing to say
        sock.settimeout(remaining(deadline))
        data = sock.recv(_SIZE)
        if not data:
            return
        received += len(data)
        connection.bio_write(data)


def _is_name(host: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    data: bytes = certificate.public_bytes(Encoding.DER)
    return data
