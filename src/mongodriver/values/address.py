"""Server addresses: `(host, port)` tuples, as `"host:port"` strings and back."""

from __future__ import annotations

__all__ = ["Address", "address_text", "clean_node", "partition_node"]

DEFAULT_PORT = 27017

Address = tuple[str, int | None]
"""A host name and a port; the port None means that the host is the path of a UNIX socket."""


def partition_node(node: str) -> tuple[str, int]:
    """Split "host:port" (port 27017 if there is none; "[::1]:27017" for IPv6) into a tuple."""
    host, port = node, DEFAULT_PORT
    colon = node.rfind(":")
    if colon != -1:
        host, port = node[:colon], int(node[colon + 1 :])
    if host.startswith("["):
        host = host[1:-1]
    return host, port


def clean_node(node: str) -> tuple[str, int]:
    """Return `partition_node` with the host in lower case, as names are compared."""
    host, port = partition_node(node)
    return host.lower(), port


def address_text(address: Address) -> str:
    """Return the address as "host:port", "[::1]:port" or a path, for messages."""
    host, port = address
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
