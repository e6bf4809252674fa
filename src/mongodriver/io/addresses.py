"""The addresses of names, whatever backend wants to connect to them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from .daemon import DaemonCall

__all__ = ["ATTEMPT_DELAY", "Target", "begin_lookup", "resolve"]

#: Address family and address of a socket.
Target = tuple[int, Any]

#: Seconds before the next address of a name is tried beside the ones under way (RFC 8305).
ATTEMPT_DELAY = 0.25


def resolve(host: str, port: int, flags: int = 0) -> list[Target]:
    """The addresses of a host, in the order to try them. Raises socket.gaierror."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as exc:
        # A label that is empty or too long: no name that anybody could be asked for.
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {host!r} ({exc})") from exc
    return _interleave([(family, target) for family, _, _, _, target in found])


#: Seconds for which those who look for a name wait for a lookup that others have begun.
_SHARED_FOR = 1.0
#: The lookups of a moment ago, and when they began.
_lookups: dict[tuple[str, int], tuple[float, DaemonCall[list[Target]]]] = {}


def begin_lookup(
    host: str, port: int, kind: type[DaemonCall[Any]] = DaemonCall
) -> DaemonCall[list[Target]]:
    """`resolve` in a thread of its own; one that has just been begun is not begun again.

    So a resolver that never answers holds one thread a second at most, however many ask.

    :param kind: of the call, whose thread may be another library's.
    """
    begun, call = _lookups.get((host, port), (0.0, None))
    if call is None or call.done or begun + _SHARED_FOR < time.monotonic():
        call = kind(resolve, host, port)
        _lookups[host, port] = time.monotonic(), call
        call.when_done(lambda: _forget_lookup(host, port, call))
    return call


def _forget_lookup(host: str, port: int, call: DaemonCall[list[Target]]) -> None:
    if _lookups.get((host, port), (0.0, None))[1] is call:
        _lookups.pop((host, port), None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lookups.clear)  # their threads are the parent's


def _interleave(targets: Sequence[Target]) -> list[Target]:
    """Alternate the address families, beginning with the resolver's first choice."""
    first = [t for t in targets if t[0] == targets[0][0]]
    other = [t for t in targets if t[0] != targets[0][0]]
    return [t for t in chain.from_iterable(zip_longest(first, other)) if t is not None]
