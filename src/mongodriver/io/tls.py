"""TLS contexts from a client's options (uri-options, the tls* group)."""

from __future__ import annotations

import ssl

from ..values.errors import ConfigurationError


def make_context(
    certificate_key_file: str | None = None,
    password: str | None = None,
    ca_file: str | None = None,
    crl_file: str | None = None,
    allow_invalid_certificates: bool = False,
    allow_invalid_hostnames: bool = False,
) -> ssl.SSLContext:
    """A context for connections to servers.

    :param certificate_key_file: the client's own certificate and key, one PEM file.
    :param password: of that file's key.
    :param ca_file: certificates to trust instead of the system's.
    :param crl_file: certificates revoked.
    :param allow_invalid_certificates: trust anybody; implies any host name.
    :raises ConfigurationError: when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.check_hostname = not (allow_invalid_certificates or allow_invalid_hostnames)
    if allow_invalid_certificates:
        context.verify_mode = ssl.CERT_NONE
    if certificate_key_file is not None:
        _load_own_certificate(context, certificate_key_file, password)
    if crl_file is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        _load_trusted(context, crl_file)
    if ca_file is not None:
        _load_trusted(context, ca_file)
    elif not allow_invalid_certificates:
        context.load_default_certs()
    return context


def _load_own_certificate(context: ssl.SSLContext, path: str, password: str | None) -> None:
    try:
        # A function: without one, OpenSSL asks for a missing password on the terminal.
        context.load_cert_chain(path, password=lambda: password or "")
    except (ssl.SSLError, ValueError) as exc:
        raise ConfigurationError(f"Private key doesn't match certificate: {exc}") from None
    except OSError as exc:
        raise ConfigurationError(f"cannot read the certificate file: {exc}") from exc


def _load_trusted(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigurationError(f"cannot use {path!r}: {exc}") from exc
