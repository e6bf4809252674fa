"""Reaching one host: names, sockets, TLS, and what a port speaks that does not speak as asked."""

from __future__ import annotations

import socket
import ssl
from time import monotonic
from typing import Any

from mongodriver.io.blocking_connect import look_up, open_socket, open_through
from mongodriver.io.probe import asks_for_certificate, hangs_up, speaks_plain_text
from mongodriver.values.address import Address
from mongodriver.values.proxy import Proxy

from .certificate import session_facts


class Network:
    """Connections with one host, each given up after `timeout` seconds."""

    def __init__(self, address: Address, proxy: Proxy | None, timeout: float) -> None:
        self._address = address
        self._proxy = None if address[1] is None else proxy
        self._timeout = timeout

    def deadline(self) -> float:
        """When to give up what begins now."""
        return monotonic() + self._timeout

    @property
    def why_not_looked_up(self) -> str:
        """Why the host's name is not looked up here; "" where it is."""
        if self._address[1] is None:
            return "a Unix socket"
        return "" if self._proxy is None else "the proxy looks it up"

    def look_up(self) -> list[str]:
        """The addresses of the host. Raises OSError."""
        host, port = self._address
        assert port is not None
        return [target[0] for _, target in look_up(host, port, self.deadline())]

    def open(self) -> socket.socket:
        """A connected socket. Raises OSError."""
        if self._proxy is None:
            return open_socket(self._address, self.deadline())
        return open_through(self._proxy, self._address, self.deadline())

    def handshake(self, context: ssl.SSLContext) -> dict[str, Any]:
        """What a TLS handshake comes to; nothing is sent after it. Raises OSError."""
        with self.open() as sock:
            sock.settimeout(self._timeout)
            with context.wrap_socket(sock, server_hostname=self._address[0]) as secure:
                return session_facts(secure)

    def unverified_handshake(self) -> dict[str, Any]:
        """The same whatever the certificate is; {} where the port does not speak TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            return self.handshake(context)
        except OSError:
            return {}

    def speaks_plain_text(self) -> bool:
        """Whether a hello without TLS is answered. It tells nothing of the user or this client."""
        try:
            return speaks_plain_text(self._address, self._proxy, self.deadline())
        except OSError:
            return False

    def refuses_certificate(self, context: ssl.SSLContext) -> bool:
        """Whether a TLS server asks for certificates and does not take this client's, or that it
        has none, as far as can be told."""
        at = self._address, self._proxy
        try:
            asks = asks_for_certificate(*at, self.deadline())
            return bool(asks) and hangs_up(*at, context, self.deadline())
        except OSError:
            return False
