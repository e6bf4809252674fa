"""Connecting through a SOCKS5 proxy (socks5-support; RFC 1928 and 1929).

The conversation is written once, without any I/O: a generator that says what to send, and how many
bytes to receive next. So no byte of what the server sends afterwards is ever taken.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from ..values.address import address_text
from ..values.errors import reason
from ..values.proxy import Proxy
from .base import Address, ProxyError

#: Yields bytes to send, or a number of bytes to receive, which it is then sent.
Conversation = Generator["bytes | int", bytes, None]

_VERSION = 5
_NO_LOGIN, _PASSWORD, _NONE_OF_THESE = 0, 2, 0xFF
_LOGIN_VERSION = 1
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SIZES = {_IPV4: 4, _IPV6: 16}
_REFUSALS = {
    1: "general failure",
    2: "connection not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class ProxyTimeout(ProxyError, TimeoutError):
    """The proxy has not connected us with the server in time."""


def proxy_error(proxy: Proxy, exc: OSError) -> ProxyError:
    """What went wrong before the server was reached, as an error of the proxy."""
    kind = ProxyTimeout if isinstance(exc, TimeoutError) else ProxyError
    return kind(f"SOCKS5 proxy {address_text(proxy.address)}: {reason(exc)}")


def conversation(proxy: Proxy, address: Address) -> Conversation:
    """Ask a proxy for a connection with a server, whose name it resolves.

    :raises ConnectionError: for a refusal, and for answers that are not SOCKS5.
    """
    yield from _log_in(proxy)
    host, port = address
    assert port is not None
    yield bytes((_VERSION, _CONNECT, 0)) + _target(host) + port.to_bytes(2, "big")
    version, status, _, kind = yield 4
    _check_version(version)
    if status:
        raise ConnectionError(_REFUSALS.get(status, f"refused with status {status}"))
    if kind == _NAME:
        (size,) = yield 1
    elif kind in _SIZES:
        size = _SIZES[kind]
    else:
        raise ConnectionError(f"an address of unknown type {kind}")
    yield size + 2  # the address that the proxy has bound: of no use here


def _log_in(proxy: Proxy) -> Conversation:
    username, password = proxy.username, proxy.password
    methods = [_NO_LOGIN]
    if username is not None and password is not None:
        methods.append(_PASSWORD)
    yield bytes((_VERSION, len(methods), *methods))
    version, method = yield 2
    _check_version(version)
    if method == _NO_LOGIN:
        return
    if method not in methods:
        wanted = "" if method == _NONE_OF_THESE else f" (it has chosen {method})"
        raise ConnectionError(f"no acceptable way to log in{wanted}")
    assert username is not None and password is not None
    yield bytes((_LOGIN_VERSION,)) + _short(username) + _short(password)
    _, status = yield 2
    if status:
        raise ConnectionError("login failed")


def _check_version(version: int) -> None:
    if version != _VERSION:
        raise ConnectionError(f"the answer is not SOCKS5 but begins with {version}")


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes((len(data),)) + data


def _target(host: str) -> bytes:
    from ipaddress import ip_address  # costs 3 ms that few programs need

    try:
        address = ip_address(host)
    except ValueError:
        return _named(host)
    if getattr(address, "scope_id", None):
        return _named(host)  # the proxy's own zones, if it knows any
    return bytes((_IPV4 if address.version == 4 else _IPV6,)) + address.packed


def _named(host: str) -> bytes:
    try:
        data = host.encode("ascii") if host.isascii() else host.encode("idna")
    except UnicodeError as exc:
        raise ConnectionError(f"not a host name: {host!r}") from exc
    if not 0 < len(data) < 256:
        raise ConnectionError(f"a host name of {len(data)} bytes")
    return bytes((_NAME, len(data))) + data


class _Limit(Protocol):
    """The seconds that are left, None for any; raises TimeoutError when there are none."""

    def __call__(self) -> float | None: ...


def converse(sock: Any, talk: Conversation, left: _Limit) -> None:
    """Carry a conversation on over a blocking socket."""
    try:
        step = next(talk)
        while True:
            sock.settimeout(left())
            if isinstance(step, bytes):
                sock.sendall(step)
                step = next(talk)
                continue
            data = b""
            while len(data) < step:
                sock.settimeout(left())
                data += _some(sock.recv(step - len(data)))
            step = talk.send(data)
    except StopIteration:
        pass


async def converse_in(loop: Any, sock: Any, talk: Conversation) -> None:
    """Carry a conversation on over a socket in an event loop; the caller limits the time."""
    try:
        step = next(talk)
        while True:
            if isinstance(step, bytes):
                await loop.sock_sendall(sock, step)
                step = next(talk)
                continue
            data = b""
            while len(data) < step:
                data += _some(await loop.sock_recv(sock, step - len(data)))
            step = talk.send(data)
    except StopIteration:
        pass


def _some(data: bytes) -> bytes:
    if not data:
        raise ConnectionError("the proxy has ended the connection")
    return data
