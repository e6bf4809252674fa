"""Connecting with key management services through an HTTP proxy: its method CONNECT (RFC 9110)."""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..values.errors import ConfigurationError, reason
from ..values.public_names import known_as
from .blocking_connect import open_socket
from .deadline import Deadline, remaining
from .either import in_thread

if TYPE_CHECKING:
    from ..values.encryption_options import KMSConnectContext

__all__ = ["AsyncHTTPProxyKMSConnect", "HTTPProxyKMSConnect"]

_PORTS = {"http": 80, "https": 443}
_AUTHORIZATION = "Proxy-Authorization"
_USER_INFO = re.compile(r"//[^/@]*@")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Of the answer to CONNECT, in bytes.
_LONGEST_ANSWER = 64 * 1024
_CHUNK = 64 * 1024


class HTTPProxyKMSConnect:
    """A ``kms_connect_callback`` that goes through an HTTP proxy.

    TLS is spoken with the service itself, end to end.

    :param proxy_url: "http://host:port" or "https://host:port"; "user:password@" before the host
        logs in there.
    :param ssl_context: of the connection with an https proxy; None: the system's certificates.
    :param headers: more headers for the proxy.
    :raises ConfigurationError, TypeError: for arguments that cannot be.
    """

    def __init__(
        self,
        proxy_url: str,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(proxy_url, str):
            raise TypeError(f"proxy_url must be a string, not {type(proxy_url)}")
        shown = _USER_INFO.sub("//***@", proxy_url)
        try:
            parts = urlsplit(proxy_url)
            port = parts.port
        except ValueError:
            raise ConfigurationError(f"invalid proxy_url: {shown!r}") from None
        if parts.scheme not in _PORTS:
            raise ConfigurationError(f"proxy_url must have an http or https scheme, not {shown!r}")
        if not parts.hostname:
            raise ConfigurationError(f"proxy_url must include a host, not {shown!r}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigurationError(
                f"proxy_url must not include a path, query, or fragment: {shown!r}"
            )
        if port == 0:
            raise ConfigurationError(f"invalid proxy_url: {shown!r}")
        if parts.scheme == "https":
            ssl_context = ssl_context or ssl.create_default_context()
        elif ssl_context is not None:
            raise ConfigurationError("ssl_context requires an https proxy_url")
        self.host = parts.hostname
        self.port = port or _PORTS[parts.scheme]
        self.ssl_context = ssl_context
        self.headers = _checked_headers(headers)
        if parts.username is not None or parts.password is not None:
            if any(name.lower() == _AUTHORIZATION.lower() for name in self.headers):
                raise ConfigurationError(
                    f"proxy_url must not include userinfo when headers includes {_AUTHORIZATION}"
                )
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            self.headers[_AUTHORIZATION] = f"Basic {b64encode(login.encode()).decode()}"

    def __call__(self, context: KMSConnectContext) -> Any:
        """Return a socket that the proxy has connected with a service.

        :raises OSError: when it does not.
        """
        deadline = Deadline(context.timeout)
        try:
            sock = open_socket((self.host, self.port), deadline)
        except OSError as exc:
            raise OSError(
                f"could not connect to proxy {self.host}:{self.port}: {reason(exc)}"
            ) from exc
        try:
            if self.ssl_context is None:
                self._connect(sock, context, deadline)
                return sock
            sock.settimeout(remaining(deadline))
            sock = tls = self.ssl_context.wrap_socket(sock, server_hostname=self.host)
            self._connect(sock, context, deadline)
            return _relayed(tls)
        except BaseException:
            sock.close()
            raise

    def _connect(self, sock: Any, context: KMSConnectContext, deadline: Deadline) -> None:
        host = f"[{context.host}]" if ":" in context.host else context.host
        target = f"{host}:{context.port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        sock.settimeout(remaining(deadline))
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = bytearray()
        # Byte by byte: what follows the answer is the service's.
        while not answer.endswith(b"\r\n\r\n"):
            if len(answer) >= _LONGEST_ANSWER:
                raise OSError(f"proxy sent an oversized CONNECT response for {target}")
            sock.settimeout(remaining(deadline))
            data = sock.recv(1)
            if not data:
                raise OSError(f"proxy closed the connection while tunneling to {target}")
            answer += data
        status = bytes(answer.split(b"\r\n", 1)[0])
        if not re.match(rb"HTTP/1\.[01] 2\d\d( |$)", status):
            raise OSError(f"proxy refused CONNECT to {target}: {status!r}")


class AsyncHTTPProxyKMSConnect(HTTPProxyKMSConnect):
    """`HTTPProxyKMSConnect` for asynchronous clients."""

    async def __call__(self, context: KMSConnectContext) -> Any:
        """Return a socket that the proxy has connected with a service, see there."""
        return await in_thread(super().__call__, context)


def _checked_headers(headers: Any) -> dict[str, str]:
    checked: dict[str, str] = dict(headers or {})
    for name, value in checked.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("proxy header names and values must be strings")
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"invalid proxy header name: {name!r}")
        if name.lower() == "host":
            raise ConfigurationError("the Host CONNECT header is set from the KMS address")
        if any(char in value for char in "\r\n\0"):
            raise ConfigurationError(f"invalid proxy header value for {name!r}")
    return checked


def _relayed(tls: ssl.SSLSocket) -> socket.socket:
    """A plain socket whose bytes a thread takes to a TLS socket, and back: no TLS socket can speak
    TLS within TLS.
    """
    own, other = socket.socketpair()
    thread = threading.Thread(target=_relay, args=(tls, other), name="kms_proxy", daemon=True)
    thread.start()
    return own


def _relay(tls: ssl.SSLSocket, plain: socket.socket) -> None:
    with tls, plain:
        tls.setblocking(False)
        try:
            while True:
                ready = [tls] if tls.pending() else select.select([tls, plain], (), ())[0]
                if plain in ready:
                    data = plain.recv(_CHUNK)
                    if not data:
                        return
                    _send(tls, data)
                if tls in ready:
                    try:
                        data = tls.recv(_CHUNK)
                    except ssl.SSLWantReadError:
                        continue  # not all of a record has come, or nothing of the service's
                    if not data:
                        return
                    plain.sendall(data)
        except OSError:
            pass  # one side has gone: the other one is closed, which tells it


def _send(tls: ssl.SSLSocket, data: bytes) -> None:
    sent = 0
    while sent < len(data):
        try:
            sent += tls.send(data[sent:])
        except ssl.SSLWantWriteError:
            select.select((), [tls], ())
        except ssl.SSLWantReadError:
            select.select([tls], (), ())


known_as("mongodriver.encryption_options", globals())
