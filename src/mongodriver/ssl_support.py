"""TLS contexts for connections to servers."""

from __future__ import annotations

from ssl import (
    SSLContext,
    SSLEOFError,
    SSLWantReadError,
    SSLWantWriteError,
    SSLZeroReturnError,
)

from mongodriver.ssl_context import BLOCKING_IO_ERRORS

__all__ = [
    "BLOCKING_IO_ERRORS",
    "BLOCKING_IO_LOOKUP_ERROR",
    "BLOCKING_IO_READ_ERROR",
    "BLOCKING_IO_WRITE_ERROR",
    "HAVE_PYSSL",
    "HAVE_SSL",
    "IPADDR_SAFE",
    "SSL_EOF_ERRORS",
    "get_ssl_context",
]

#: The standard library's TLS is what there is.
HAVE_SSL = True
HAVE_PYSSL = False
#: It compares addresses with those in certificates.
IPADDR_SAFE = True
BLOCKING_IO_READ_ERROR = BLOCKING_IO_LOOKUP_ERROR = (SSLWantReadError,)
BLOCKING_IO_WRITE_ERROR = (SSLWantWriteError,)
SSL_EOF_ERRORS = (SSLEOFError, SSLZeroReturnError)


def get_ssl_context(
    certfile: str | None,
    passphrase: str | None,
    ca_certs: str | None,
    crlfile: str | None,
    allow_invalid_certificates: bool,
    allow_invalid_hostnames: bool,
    disable_ocsp_endpoint_check: bool,
    is_sync: bool,
) -> SSLContext:
    """Return a context for connections to servers; the files may be None.

    The last two arguments make no difference: whether OCSP's responders are asked is a matter of
    each connection, and the contexts of both flavours are alike.

    :param certfile: the client's own certificate and key, one PEM file.
    :param passphrase: of that file's key.
    :param ca_certs: certificates to trust instead of the system's.
    :param crlfile: certificates revoked.
    :raises ConfigurationError: when a file cannot be used.
    """
    from mongodriver.io.tls import make_context

    return make_context(
        certfile,
        passphrase,
        ca_certs,
        crlfile,
        bool(allow_invalid_certificates),
        bool(allow_invalid_hostnames),
    )
