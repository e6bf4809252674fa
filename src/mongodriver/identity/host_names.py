"""The name of a host as Kerberos knows it (authentication specification, GSSAPI)."""

from __future__ import annotations

import socket

NONE, FORWARD, BOTH = "none", "forward", "forwardAndReverse"


def canonical_name(host: str, mode: bool | str) -> str:
    """The name of a host, looked up in DNS as far as `mode` says; the given one if that fails.

    :param mode: "none" or False, "forward", "forwardAndReverse" or True.
    """
    if mode in (False, NONE):
        return host
    try:
        found = socket.getaddrinfo(host, None, 0, 0, socket.IPPROTO_TCP, socket.AI_CANONNAME)
        _, _, _, name, address = found[0]
    except (OSError, UnicodeError, IndexError):
        return host
    if mode in (True, BOTH):
        try:
            name, _ = socket.getnameinfo(address, socket.NI_NAMEREQD)
        except OSError:
            pass  # the name of the first step is the best there is
    return name.lower() or host
