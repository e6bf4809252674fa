"""What a server's certificate says, verified or not."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from typing import Any

#: The relevant part of a name, in the order to show it.
_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
}


def session_facts(sock: ssl.SSLSocket) -> dict[str, Any]:
    """Protocol, cipher and certificate of a connection."""
    cipher = sock.cipher()
    return {
        "protocol": sock.version(),
        "cipher": cipher[0] if cipher else None,
        **_certificate(sock),
    }


def _certificate(sock: ssl.SSLSocket) -> dict[str, Any]:
    encoded = sock.getpeercert(binary_form=True)
    if encoded is None:
        return {}
    facts: dict[str, Any] = {"sha256": hashlib.sha256(encoded).hexdigest()}
    verified = sock.getpeercert()
    if verified:
        return {**_of_verified(verified), **facts, "verified": True}
    # OpenSSL's bindings tell no more of a certificate that was not verified.
    return {**_of_encoded(encoded), **facts, "verified": False}


def _of_verified(certificate: Any) -> dict[str, Any]:
    return {
        "subject": _name(certificate.get("subject", ())),
        "issuer": _name(certificate.get("issuer", ())),
        "names": [value for _, value in certificate.get("subjectAltName", ())],
        "valid_from": _time(certificate["notBefore"]),
        "valid_until": _time(certificate["notAfter"]),
    }


def _name(parts: Any) -> str:
    pairs = [pair for part in parts for pair in part]
    return ",".join(f"{_SHORT.get(name, name)}={value}" for name, value in pairs)


def _time(text: str) -> str:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC).isoformat()


def _of_encoded(encoded: bytes) -> dict[str, Any]:
    """The same by means of the package `cryptography`, {} where that is not installed."""
    try:
        from cryptography import x509
    except ImportError:
        return {}
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        return {
            "subject": certificate.subject.rfc4514_string(),
            "issuer": certificate.issuer.rfc4514_string(),
            "names": _alternative_names(certificate, x509),
            "valid_from": _utc(certificate, "not_valid_before").isoformat(),
            "valid_until": _utc(certificate, "not_valid_after").isoformat(),
        }
    except ValueError:
        return {}  # damaged, or of a kind it does not know


def _utc(certificate: Any, name: str) -> datetime:
    aware: datetime | None = getattr(certificate, f"{name}_utc", None)  # from cryptography 42
    if aware is not None:
        return aware
    naive: datetime = getattr(certificate, name)
    return naive.replace(tzinfo=UTC)


def _alternative_names(certificate: Any, x509: Any) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in found.value]
