"""Opening connections by blocking calls: the addresses of a name raced, then a proxy, then TLS."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from typing import TYPE_CHECKING, Any

from .addresses import ATTEMPT_DELAY, Target, begin_lookup, resolve
from .base import Address, Conversation, HandshakeFailed
from .daemon import wait_for
from .deadline import remaining

if TYPE_CHECKING:
    import ssl

    from ..values.proxy import Proxy
    from .stapling import Dial
    from .tls import Tls

__all__ = [
    "begin_connect",
    "hold",
    "is_plain_socket",
    "look_up",
    "open_connection",
    "open_socket",
    "open_through",
    "set_tcp_options",
    "start_tls",
]

_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0))


def is_plain_socket(value: Any) -> bool:
    """Whether a value is a socket without TLS."""
    return isinstance(value, socket.socket) and not hasattr(value, "server_hostname")


def open_connection(proxy: Proxy | None, address: Address, deadline: float | None) -> socket.socket:
    """A stream socket that is connected with an address, through a proxy where there is one."""
    if proxy is None or address[1] is None:
        return open_socket(address, deadline)
    return open_through(proxy, address, deadline)


def open_socket(address: Address, deadline: float | None) -> socket.socket:
    """A connected stream socket. Raises OSError, TimeoutError at the deadline (monotonic)."""
    host, port = address
    if port is None:
        return _connect_one(socket.AF_UNIX, host, deadline)
    targets = look_up(host, port, deadline)
    if len(targets) == 1:
        sock = _connect_one(*targets[0], deadline)
    else:
        sock = _connect_first(targets, deadline)
    set_tcp_options(sock)
    return sock


def open_through(proxy: Proxy, address: Address, deadline: float | None) -> socket.socket:
    """A stream socket that a proxy has connected with an address. Raises ProxyError."""
    from .socks import conversation, converse, proxy_error  # few have a proxy

    try:
        sock = open_socket(proxy.address, deadline)
        try:
            converse(sock, conversation(proxy, address), lambda: remaining(deadline))
        except BaseException:
            sock.close()
            raise
    except OSError as exc:
        raise proxy_error(proxy, exc) from exc
    return sock


def hold(sock: Any, talk: Conversation, deadline: float | None) -> None:
    """Carry a conversation on over a socket, until the deadline."""
    try:
        step = next(talk)
        while True:
            sock.settimeout(remaining(deadline))
            if isinstance(step, bytes):
                sock.sendall(step)
                step = next(talk)
            else:
                step = talk.send(sock.recv(step))
    except StopIteration:
        pass


def look_up(host: str, port: int, deadline: float | None) -> list[Target]:
    """`resolve`, given up at the deadline: the system's resolver knows none."""
    try:
        return resolve(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    if deadline is None:
        return resolve(host, port)
    return wait_for(begin_lookup(host, port), deadline)


def _connect_one(family: int, target: Any, deadline: float | None) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(remaining(deadline))
        sock.connect(target)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_first(targets: list[tuple[int, Any]], deadline: float | None) -> socket.socket:
    """Race the addresses of one name, each started a moment after the one before it."""
    error: OSError = OSError("no address to connect to")
    with selectors.DefaultSelector() as pending:
        try:
            while targets or pending.get_map():
                if targets:
                    try:
                        pending.register(begin_connect(*targets.pop(0)), selectors.EVENT_WRITE)
                    except OSError as exc:
                        error = exc
                        continue
                wait = remaining(deadline)
                if targets:
                    wait = ATTEMPT_DELAY if wait is None else min(wait, ATTEMPT_DELAY)
                for key, _ in pending.select(wait):
                    sock: Any = key.fileobj
                    pending.unregister(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return sock  # type: ignore[no-any-return]
                    error = OSError(code, os.strerror(code))
                    sock.close()
            raise error
        finally:
            for key in pending.get_map().values():
                key.fileobj.close()  # type: ignore[union-attr]


def begin_connect(family: int, target: Any) -> socket.socket:
    """A socket that does not block and is being connected; writable when that is over."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    code = sock.connect_ex(target)
    if code not in _IN_PROGRESS:
        sock.close()
        raise OSError(code, os.strerror(code))
    return sock


def start_tls(
    sock: socket.socket, tls: Tls, address: Address, dial: Dial, deadline: float | None
) -> ssl.SSLSocket:
    """Begin to speak TLS over a socket, which is closed where that fails."""
    secure: Any = None
    try:
        sock.settimeout(remaining(deadline))
        session = tls.session(address)
        known: Any = {} if session is None else {"session": session}  # not all libraries' take one
        secure = tls.context.wrap_socket(sock, server_hostname=address[0], **known)
        inquiry = tls.inquiry(address, secure, dial)
        if inquiry is not None:
            inquiry(deadline)
        return secure  # type: ignore[no-any-return]
    except BaseException as exc:
        (secure or sock).close()
        tls.forget_session(address)
        if isinstance(exc, ConnectionError):
            raise HandshakeFailed(str(exc) or "the peer ended the connection") from exc
        raise


#: Keepalive: first probe after 120 s of silence, then every 10 s, dead after 9 missed.
_KEEPALIVE = (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 9))


def set_tcp_options(sock: Any) -> None:
    """No delay, and keepalive probes quick enough to notice a peer that vanished."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)
        if option is None:
            continue
        try:
            if sock.getsockopt(socket.IPPROTO_TCP, option) > value:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        except OSError:
            pass  # a platform may list an option it does not allow
