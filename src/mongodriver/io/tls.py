"""TLS of a client's options (uri-options, the tls* group): contexts, and what connections share."""

from __future__ import annotations

import ssl
import sys
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..values.errors import ConfigurationError

if TYPE_CHECKING:
    from .base import Address
    from .revocation import Inquiry, Revocation
    from .stapling import Dial

#: Seconds for which a session is resumed before another one is taken. Each look at one leaks some
#: 7 KB (seen with CPython 3.11 to 3.13 and OpenSSL 3.0); tickets are good for hours.
SESSION_AGE = 1800.0
#: Of as many certificates it is known who has issued them.
_MAX_ISSUERS = 1000


class Tls:
    """How the connections of one client speak TLS, and what they have from each other.

    :param revocation: finds out whether certificates were revoked; None: nobody does.
    """

    def __init__(self, context: ssl.SSLContext, revocation: Revocation | None = None) -> None:
        self.context = context
        self._revocation = revocation
        #: And when they were taken.
        self._sessions: dict[Address, tuple[ssl.SSLSession, float]] = {}
        #: Who has issued servers' certificates: of resumed sessions only the latter are known.
        self._issuers: dict[bytes, bytes | None] = {}

    def session(self, address: Address) -> ssl.SSLSession | None:
        """The session to be resumed with a server, or None."""
        known = self._sessions.get(address)
        return None if known is None else known[0]

    def keep_session(self, address: Address, tls: ssl.SSLSocket | ssl.SSLObject) -> None:
        """Have later connections resume the session of one over which the server has spoken."""
        known = self._sessions.get(address)
        if known is not None and known[1] + SESSION_AGE > monotonic():
            return
        session = tls.session
        if session is not None and session.has_ticket:
            self._sessions[address] = session, monotonic()

    def forget_session(self, address: Address) -> None:
        """It was of no use."""
        self._sessions.pop(address, None)

    def inquiry(
        self, address: Address, tls: ssl.SSLSocket | ssl.SSLObject, dial: Dial
    ) -> Inquiry | None:
        """What is still to be asked about the server's certificate; None if nothing is.

        :param dial: opens another connection with the server.
        :raises ssl.SSLCertVerificationError: where it is known to be revoked.
        """
        if self._revocation is None:
            return None
        certificate = tls.getpeercert(True)
        if certificate is None:
            return None
        chain = _verified_chain(tls)
        if chain:
            if len(self._issuers) > _MAX_ISSUERS:
                self._issuers.clear()
                self._sessions.clear()
            self._issuers[certificate] = chain[1] if len(chain) > 1 else None
        details = tls.getpeercert() or {}
        urls: Any = details.get("OCSP", ())
        issuer = self._issuers.get(certificate)
        return self._revocation.inquiry(certificate, issuer, urls, address, dial)


def _verified_chain(tls: Any) -> list[bytes]:
    """The certificates from the server's own to the one that is trusted, in DER."""
    if sys.version_info >= (3, 13):
        return tls.get_verified_chain() or []  # type: ignore[no-any-return]
    inner = tls._sslobj
    return [c.public_bytes(_DER) for c in inner.get_verified_chain() or ()]


_DER = 2  # ssl's private name of the encoding, before 3.13


def make_tls(context: ssl.SSLContext, ask_responders: bool | None) -> Tls:
    """How a client's connections speak TLS.

    :param ask_responders: whether OCSP responders are asked about certificates that name some;
        None: if that can be done.
    :raises ConfigurationError: where it is asked for and cannot be done.
    """
    able = find_spec("cryptography") is not None and _tells_chains()
    if ask_responders and not able:
        raise ConfigurationError(
            "tlsDisableOCSPEndpointCheck=False needs CPython and the package cryptography: "
            "pip install 'mongodriverx[ocsp]'"
        )
    if not able or context.verify_mode == ssl.CERT_NONE:
        return Tls(context)
    responders, staples = ask_responders is not False, find_spec("OpenSSL") is not None
    if not responders and not staples:
        return Tls(context)
    from .revocation import Revocation

    return Tls(context, Revocation(responders, staples))


def _tells_chains() -> bool:
    """Whether this interpreter tells which certificates were verified."""
    inner = getattr(getattr(ssl, "_ssl", None), "_SSLSocket", None)
    return any(hasattr(kind, "get_verified_chain") for kind in (ssl.SSLObject, inner))


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
