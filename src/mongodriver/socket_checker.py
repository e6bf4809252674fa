"""Whether sockets can be read or written now, and whether the peer has closed them."""

from mongodriver.compat.socket_checker import SocketChecker

__all__ = ["SocketChecker"]
