"""What OCSP responses say of certificates, and which are believed (RFC 6960, 3.2).

No I/O: `revocation` asks, and remembers. `cryptography` is imported at the first use: only servers
whose certificates name a responder need it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.ocsp import OCSPRequest, OCSPResponse, OCSPSingleResponse

#: The extension "TLS feature", which tells servers to staple (RFC 7633), as it is in certificates.
MUST_STAPLE = bytes.fromhex("06082b06010505070118")


class NotBelieved(Exception):
    """A response that proves nothing, and why."""


class NotKnown(NotBelieved):
    """The responder does not know the certificate."""


class Answer(NamedTuple):
    """What a response says of a certificate."""

    revoked: bool
    #: Until when that may be said; None: only now.
    until: datetime | None


class Question:
    """Whether a certificate was revoked.

    :param certificate: of a server, in DER.
    :param issuer: the certificate of whoever has issued it, in DER.
    """

    __slots__ = ("_asked", "_issuer", "request")

    def __init__(self, certificate: bytes, issuer: bytes) -> None:
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509 import load_der_x509_certificate
        from cryptography.x509.ocsp import OCSPRequestBuilder

        self._issuer: Certificate = load_der_x509_certificate(issuer)
        leaf = load_der_x509_certificate(certificate)
        # Of all hashes, this is the one that every responder knows; nothing rests on it.
        builder = OCSPRequestBuilder().add_certificate(leaf, self._issuer, hashes.SHA1())
        self._asked: OCSPRequest = builder.build()
        #: To be sent, in DER.
        self.request: bytes = _der(self._asked)

    def answer(self, data: bytes, now: datetime) -> Answer:
        """Whether it was revoked.

        :raises NotBelieved: where the response does not say, or cannot be believed.
        """
        from cryptography.x509.ocsp import (
            OCSPCertStatus,
            OCSPResponseStatus,
            load_der_ocsp_response,
        )

        try:
            response = load_der_ocsp_response(data)
            if response.response_status != OCSPResponseStatus.SUCCESSFUL:
                raise NotBelieved(f"the responder says {response.response_status.name.lower()}")
            single = self._single(response)
            self._check_signature(response, now)
            if single.this_update_utc > now:
                raise NotBelieved("the response is of the future")
            until = single.next_update_utc
            if until is not None and until <= now:
                raise NotBelieved("the response is too old")
            status = single.certificate_status
        except NotBelieved:
            raise
        except Exception as exc:  # whatever a parser may stumble over in bytes of a stranger
            raise NotBelieved(f"not a response: {exc}") from exc
        if status == OCSPCertStatus.UNKNOWN:
            raise NotKnown("the responder does not know the certificate")
        return Answer(status == OCSPCertStatus.REVOKED, until)

    def _single(self, response: OCSPResponse) -> OCSPSingleResponse:
        asked = self._asked
        for single in response.responses:
            if (
                single.serial_number == asked.serial_number
                and single.hash_algorithm.name == asked.hash_algorithm.name
                and single.issuer_name_hash == asked.issuer_name_hash
                and single.issuer_key_hash == asked.issuer_key_hash
            ):
                return single
        raise NotBelieved("the response is about another certificate")

    def _check_signature(self, response: OCSPResponse, now: datetime) -> None:
        signer = self._issuer
        if not _is_of(response, signer):
            signer = self._delegate(response, now)
        try:
            _verify(signer.public_key(), response)
        except Exception as exc:
            raise NotBelieved("the response's signature is wrong") from exc

    def _delegate(self, response: OCSPResponse, now: datetime) -> Certificate:
        """Who has signed for the issuer, which has allowed it (RFC 6960, 4.2.2.2)."""
        from cryptography.x509 import ExtendedKeyUsage, KeyUsage
        from cryptography.x509.oid import ExtendedKeyUsageOID

        for candidate in response.certificates:
            if not _is_of(response, candidate):
                continue
            try:
                candidate.verify_directly_issued_by(self._issuer)
                usages = candidate.extensions.get_extension_for_class(ExtendedKeyUsage).value
            except Exception as exc:
                raise NotBelieved("the responder is not the issuer's") from exc
            if ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
                raise NotBelieved("the responder may not sign responses")
            for extension in candidate.extensions:
                if isinstance(extension.value, KeyUsage) and not extension.value.digital_signature:
                    raise NotBelieved("the responder may not sign responses")
            if not candidate.not_valid_before_utc <= now <= candidate.not_valid_after_utc:
                raise NotBelieved("the responder's certificate is not valid at this time")
            return candidate
        raise NotBelieved("nobody knows who has signed the response")


def must_staple(certificate: bytes) -> bool:
    """Whether a certificate, in DER, demands of servers that they staple a response."""
    if MUST_STAPLE not in certificate:
        return False
    from cryptography.x509 import ExtensionNotFound, TLSFeature, TLSFeatureType
    from cryptography.x509 import load_der_x509_certificate as load

    try:
        features = load(certificate).extensions.get_extension_for_class(TLSFeature).value
    except ExtensionNotFound:
        return False
    except ValueError:
        return True  # it is there, whatever else is wrong
    return TLSFeatureType.status_request in features


def now() -> datetime:
    """The time that responses are measured by."""
    return datetime.now(UTC)


def _der(message: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    data: bytes = message.public_bytes(Encoding.DER)
    return data


def _is_of(response: OCSPResponse, certificate: Certificate) -> bool:
    """Whether a response says that the owner of a certificate has signed it."""
    from cryptography.x509 import SubjectKeyIdentifier

    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    key = SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return response.responder_key_hash == key.digest


def _verify(key: Any, response: OCSPResponse) -> None:
    """Raise an exception unless a key has signed a response."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

    signature, content = response.signature, response.tbs_response_bytes
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        key.verify(signature, content)
        return
    algorithm = response.signature_hash_algorithm
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        raise ValueError("a signature by a hash that is broken")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, content, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, content, ec.ECDSA(algorithm))
    else:
        raise ValueError("a key of a kind that is not known")
