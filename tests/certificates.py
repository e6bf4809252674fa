"""Certificates for tests: good ones, and each kind of bad one, as files."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Certificates:
    """Paths of PEM files: `ca`, `other_ca`, and certificates with their keys.

    `server` is for this machine, `elsewhere` for another one, `expired` and `early` are out of
    their time, `revoked` is on the list of `crl`. `client` is a client's, `foreign` one that the
    other authority has signed.
    """

    def __init__(self, folder: Path) -> None:
        trustme = pytest.importorskip("trustme")
        self._folder = folder
        ca, other = trustme.CA(), trustme.CA()
        self.ca = self._write("ca", ca.cert_pem)
        self.other_ca = self._write("other_ca", other.cert_pem)
        here = ("127.0.0.1", "localhost")
        self._ca = ca
        self.server = self.issue("server", *here)
        self.elsewhere = self.issue("elsewhere", "elsewhere.test")
        self.client = self.issue("client", "client.test")
        self.foreign = self._write(
            "foreign", other.issue_cert(*here).private_key_and_cert_chain_pem
        )
        self.revoked = self.issue("revoked", *here)
        past = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
        self.expired = self.issue("expired", *here, **past)
        future = {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY}
        self.early = self.issue("early", *here, **future)

    def issue(self, name: str, *hosts: str, **validity: Any) -> str:
        """One more certificate of `ca` with its key; the path of the file."""
        made = self._ca.issue_cert(*hosts, **validity)
        return self._write(name, made.private_key_and_cert_chain_pem)

    def crl(self) -> str:
        """A list of `ca`'s that revokes `revoked`."""
        x509 = pytest.importorskip("cryptography.x509")
        from cryptography.hazmat.primitives import hashes, serialization

        ca = x509.load_pem_x509_certificate(self._ca.cert_pem.bytes())
        key = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        revoked = x509.load_pem_x509_certificate(Path(self.revoked).read_bytes())
        entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number)
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
        builder = builder.last_update(NOW - DAY).next_update(NOW + 9 * DAY)
        made = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
        path = self._folder / "crl.pem"
        path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return str(path)

    def _write(self, name: str, blob: Any) -> str:
        path = self._folder / f"{name}.pem"
        blob.write_to_path(path)
        return str(path)

    def mongod(self, name: str = "server", *more: str) -> list[str]:
        """The arguments of a mongod that requires TLS and shows the certificate of that name."""
        files = ["--tlsCertificateKeyFile", getattr(self, name), "--tlsCAFile", self.ca]
        return ["--tlsMode", "requireTLS", *files, *more]


#: Clients without a certificate are let in.
ANYBODY = "--tlsAllowConnectionsWithoutCertificates"
