"""Certificates of the tests' own: good, expired, revoked ones, and who says what of them."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
)

from scripted import ScriptedServer

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM
_HASH = hashes.SHA256()


def now() -> datetime:
    return datetime.now(UTC)


def name(common: str, organization: str = "tests") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _key(kind: str) -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def subject(self) -> str:
        """As MONGODB-X509 has it."""
        return self.certificate.subject.rfc4514_string()

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """A server's that presents it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(folder / f"{self.certificate.serial_number}.pem"))
        return context

    def write(self, path: Path) -> str:
        """Write both to a file."""
        key = self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(key + self.certificate.public_bytes(PEM))
        return str(path)


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Authority:
    """Issues certificates, lists those it has revoked, and answers for them."""

    def __init__(self, kind: str = "ec", common: str = "an authority") -> None:
        self.key = _key(kind)
        self.kind = kind
        self.name = name(common)
        self.certificate = (
            self._builder(self.name, self.key, now() - DAY, now() + 10 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(self.key, _HASH)
        )

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def _builder(
        self, subject: x509.Name, key: Any, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(identifier, False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
        )

    def issue(
        self,
        *hosts: str,
        common: str = "somebody",
        organization: str = "tests",
        start: datetime | None = None,
        end: datetime | None = None,
        responders: Sequence[str] = (),
        must_staple: bool = False,
        usages: Sequence[x509.ObjectIdentifier] = (
            ExtendedKeyUsageOID.SERVER_AUTH,
            ExtendedKeyUsageOID.CLIENT_AUTH,
        ),
    ) -> Issued:
        """A certificate; `responders` are URLs, `usages` what it is good for."""
        key = _key(self.kind)
        subject = name(common, organization)
        builder = self._builder(subject, key, start or now() - DAY, end or now() + DAY)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        if hosts:
            names = [_alternative(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        if responders:
            access = [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)
                )
                for url in responders
            ]
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), False)
        if must_staple:
            feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
            builder = builder.add_extension(feature, False)
        return Issued(builder.sign(self.key, _HASH), key)

    def write(self, path: Path) -> str:
        """Write the certificate that clients are to trust."""
        path.write_bytes(self.certificate.public_bytes(PEM))
        return str(path)

    def write_list(self, path: Path, *revoked: Issued) -> str:
        """Write a list of what was revoked."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(now() - DAY)
            .next_update(now() + DAY)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.certificate.serial_number)
                .revocation_date(now() - DAY)
                .build()
            )
        path.write_bytes(builder.sign(self.key, _HASH).public_bytes(PEM))
        return str(path)

    def answer(
        self,
        issued: Issued,
        *,
        revoked: bool = False,
        unknown: bool = False,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
        no_next: bool = False,
        signer: Issued | None = None,
        carry: bool = True,
        by_name: bool = False,
    ) -> bytes:
        """What a responder says of a certificate, signed by `signer` or by the authority itself.

        With `carry`, the signer's certificate is in it.
        """
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        if unknown:
            status = ocsp.OCSPCertStatus.UNKNOWN
        certificate = self.certificate if signer is None else signer.certificate
        encoding = ocsp.OCSPResponderEncoding
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=issued.certificate,
                issuer=self.certificate,
                algorithm=hashes.SHA1(),
                cert_status=status,
                this_update=this_update or now() - DAY,
                next_update=None if no_next else next_update or now() + DAY,
                revocation_time=now() - DAY if revoked else None,
                revocation_reason=None,
            )
            .responder_id(encoding.NAME if by_name else encoding.HASH, certificate)
        )
        if signer is not None and carry:
            builder = builder.certificates([signer.certificate])
        response = builder.sign(self.key if signer is None else signer.key, _HASH)
        return response.public_bytes(serialization.Encoding.DER)


def http(content: bytes, status: str = "200 OK", length: bool = True) -> bytes:
    """A responder's whole message."""
    head = f"HTTP/1.0 {status}\r\nContent-Type: application/ocsp-response\r\n"
    if length:
        head += f"Content-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


class Responder:
    """An OCSP responder: what it says is `answer`, whole messages or None for silence."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._ended = threading.Event()
        self._server = ScriptedServer(self._serve)
        self.url = f"http://127.0.0.1:{self._server.address[1]}/status?of=it"

    def _serve(self, sock: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request or not _is_whole(request):
            request += sock.recv(4096)
        self.requests.append(request)
        if self.answer is None:
            self._ended.wait()
        else:
            sock.sendall(self.answer)

    def close(self) -> None:
        self._ended.set()
        self._server.close()


def _is_whole(request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    (length,) = (line for line in lines if line.startswith(b"content-length:"))
    return len(body) >= int(length.partition(b":")[2])


def stapling(issued: Issued, folder: Path, response: bytes) -> Callable[[socket.socket], Any]:
    """How a server's end of a TLS connection is made that staples a response."""
    from OpenSSL import SSL

    path = issued.write(folder / f"{issued.certificate.serial_number}.pem")
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_file(path)
    context.use_privatekey_file(path)
    context.set_ocsp_server_callback(lambda connection, data: response)

    def wrap(sock: socket.socket) -> Any:
        connection = SSL.Connection(context, sock)
        connection.set_accept_state()
        connection.do_handshake()
        return connection

    return wrap


@contextmanager
def tls_front(
    server: tuple[str, int], context: ssl.SSLContext | Callable[[socket.socket], Any]
) -> Iterator[int]:
    """A port that speaks TLS and passes on what it hears to a server that does not.

    :param context: a server's, or what makes TLS of a socket.
    """
    wrap: Any = context
    if isinstance(context, ssl.SSLContext):
        wrap = partial(context.wrap_socket, server_side=True)

    def relay(client: socket.socket) -> None:
        try:
            secure = wrap(client)
            with socket.create_connection(server) as plain:
                pass_on(secure, plain)
        except Exception:
            pass  # of one library or the other: the client has gone
        finally:
            client.close()

    def pass_on(secure: Any, plain: socket.socket) -> None:
        while True:
            ready = [secure] if secure.pending() else select.select([secure, plain], (), ())[0]
            for sock in ready:
                data = sock.recv(65536)
                if not data:
                    return
                (plain if sock is secure else secure).sendall(data)

    front = ScriptedServer(relay)
    try:
        yield front.address[1]
    finally:
        front.close()
        front.hang_up()


@contextmanager
def responder(answer: bytes | None = None) -> Iterator[Responder]:
    """A `Responder` for the length of a with block."""
    made = Responder(answer)
    try:
        yield made
    finally:
        made.close()
