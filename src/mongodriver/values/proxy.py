"""The SOCKS5 proxy that a client reaches its servers through."""

from __future__ import annotations

from mongodriver.values.address import address_text

__all__ = ["DEFAULT_PROXY_PORT", "MAX_PROXY_LOGIN", "Proxy"]

DEFAULT_PROXY_PORT = 1080
#: Of a name or password, in bytes (RFC 1929).
MAX_PROXY_LOGIN = 255


class Proxy:
    """Where it listens, and who logs in there (None: nobody). Its repr shows no secrets."""

    __slots__ = ("host", "password", "port", "username")

    def __init__(
        self,
        host: str,
        port: int = DEFAULT_PROXY_PORT,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.username = username
        self.password = password

    @property
    def address(self) -> tuple[str, int]:
        """(host, port)."""
        return self.host, self.port

    def __repr__(self) -> str:
        return f"Proxy({address_text(self.address)})"
