"""TLS contexts made of options, and the files that cannot be used."""

from __future__ import annotations

import ssl

import pytest

from mongodriver import MongoClient
from mongodriver.errors import ConfigurationError
from mongodriver.io import tls
from mongodriver.io.tls import make_context, make_tls

trustme = pytest.importorskip("trustme")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("client.test")
    other = authority.issue_cert("other.test")
    chain = certificate.cert_chain_pems[0].bytes()
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open"),
    )
    contents = {
        "ca": authority.cert_pem.bytes(),
        "own": certificate.private_key_and_cert_chain_pem.bytes(),
        "locked": locked + chain,
        "mismatch": other.private_key_pem.bytes() + chain,
        "nonsense": b"not a certificate",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def test_certificates_and_names_are_checked_by_default():
    context = make_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_only_the_given_authority_is_trusted(files):
    assert len(make_context(ca_file=files["ca"]).get_ca_certs()) == 1


def test_any_name():
    context = make_context(allow_invalid_hostnames=True)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert not context.check_hostname


def test_anybody():
    context = make_context(allow_invalid_certificates=True)
    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname


def test_a_key_with_a_password(files):
    make_context(certificate_key_file=files["locked"], password="open")
    for wrong in ("shut", None):
        with pytest.raises(ConfigurationError, match="Private key"):
            make_context(certificate_key_file=files["locked"], password=wrong)


def test_a_certificate_of_ones_own(files):
    make_context(certificate_key_file=files["own"])


@pytest.mark.parametrize("name", ["mismatch", "nonsense"])
def test_a_certificate_that_cannot_be_used(files, name):
    with pytest.raises(ConfigurationError):
        make_context(certificate_key_file=files[name])


def test_files_that_are_missing():
    with pytest.raises(ConfigurationError):
        make_context(certificate_key_file="/no/such/file")
    with pytest.raises(ConfigurationError):
        make_context(ca_file="/no/such/file")


def test_an_authority_that_is_none(files):
    with pytest.raises(ConfigurationError):
        make_context(ca_file=files["nonsense"])


def test_a_revocation_list_is_consulted(files):
    context = make_context(ca_file=files["ca"], crl_file=files["ca"])
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF


# -- who is asked about revoked certificates --


@pytest.fixture
def without(monkeypatch):
    """Makes packages missing."""

    def remove(*names):
        monkeypatch.setattr(tls, "find_spec", lambda name: None if name in names else name)

    return remove


def asked(made):
    """Whether responders, and servers, are asked."""
    revocation = made._revocation
    if revocation is None:
        return False, False
    return revocation._ask_responders, revocation._ask_servers


@pytest.mark.parametrize(
    ("missing", "option", "expected"),
    [
        ([], None, (True, True)),
        ([], True, (True, True)),
        ([], False, (False, True)),
        (["OpenSSL"], None, (True, False)),
        (["OpenSSL"], True, (True, False)),
        (["OpenSSL"], False, (False, False)),
        (["OpenSSL", "cryptography"], None, (False, False)),
        (["OpenSSL", "cryptography"], False, (False, False)),
    ],
)
def test_what_is_installed_is_asked(without, missing, option, expected):
    without(*missing)
    assert asked(make_tls(make_context(), option)) == expected


def test_responders_that_cannot_be_asked_are_refused(without):
    without("OpenSSL", "cryptography")
    with pytest.raises(ConfigurationError, match=r"tlsDisableOCSPEndpointCheck=False.*ocsp"):
        make_tls(make_context(), True)


@pytest.mark.parametrize("uri", ["mongodb://h/?tlsInsecure=false", "mongodb://h/?tls=true"])
def test_a_client_that_asks_for_no_more_than_usual_is_not_refused(without, uri):
    """`tlsInsecure=false` stands for `tlsDisableOCSPEndpointCheck=false` in the options."""
    without("OpenSSL", "cryptography")
    MongoClient(uri, connect=False).close()
    with pytest.raises(ConfigurationError, match=r"tlsDisableOCSPEndpointCheck=False.*ocsp"):
        MongoClient("mongodb://h/?tlsDisableOCSPEndpointCheck=false", connect=False)


def test_nobody_is_asked_where_anybody_is_trusted():
    assert asked(make_tls(make_context(allow_invalid_certificates=True), None)) == (False, False)
