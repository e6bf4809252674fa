"""Names of the standard library's `ssl` that TLS contexts are made with."""

from ssl import HAS_SNI, OP_NO_COMPRESSION, OP_NO_RENEGOTIATION, SSLWantReadError, SSLWantWriteError
from ssl import PROTOCOL_TLS_CLIENT as PROTOCOL_SSLv23
from ssl import OP_NO_SSLv2 as OP_NO_SSLv2
from ssl import OP_NO_SSLv3 as OP_NO_SSLv3

__all__ = [
    "BLOCKING_IO_ERRORS",
    "HAS_SNI",
    "IS_PYOPENSSL",
    "OP_NO_COMPRESSION",
    "OP_NO_RENEGOTIATION",
    "OP_NO_SSLv2",
    "OP_NO_SSLv3",
    "PROTOCOL_SSLv23",
]

#: What a socket raises that would have to wait.
BLOCKING_IO_ERRORS = (SSLWantReadError, SSLWantWriteError)
#: There is no other TLS than the standard library's here.
IS_PYOPENSSL = False
