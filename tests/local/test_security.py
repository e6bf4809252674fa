"""Servers with TLS and authentication, given as plain arguments."""

import pytest

from mongodriver.local import LocalServer, LocalServerError

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return the files of a server's certificate with its key, and of the authority."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        folder / "server.pem"
    )
    return str(folder / "server.pem"), str(folder / "ca.pem")


def test_a_replica_set_that_requires_tls(certificates):
    server_file, authority_file = certificates
    arguments = ["--tlsMode=requireTLS", "--tlsCertificateKeyFile", server_file]
    with LocalServer("rs0", args=[*arguments, "--tlsCAFile", authority_file]) as server:
        assert server.primary() == 0
        assert server.command(0, {"hello": 1})["setName"] == "rs0"


def test_tls_that_is_offered_only(certificates):
    arguments = ["--tlsMode", "preferTLS", "--tlsCertificateKeyFile", certificates[0]]
    with LocalServer(args=[*arguments, "--tlsCAFile", certificates[1]]) as server:
        assert server.command(0, {"ping": 1})["ok"] == 1


def test_a_certificate_that_does_not_exist():
    arguments = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", "/missing.pem"]
    with pytest.raises((LocalServerError, OSError), match=r"missing\.pem|No such file|Errno 2"):
        LocalServer(args=arguments).start()


def test_a_set_with_a_key_file(tmp_path):
    """The first user is made from this machine; then nothing goes without logging in."""
    key = tmp_path / "key"
    key.write_text("c2VjcmV0" * 4)
    key.chmod(0o600)
    with LocalServer("rs0", args=["--auth", "--keyFile", str(key)]) as server:
        user = {"createUser": "root", "pwd": "pwd", "roles": ["root"]}
        assert server.command(0, user)["ok"] == 1
        with pytest.raises(LocalServerError, match="requires authentication"):
            server.command(0, {"replSetGetStatus": 1})
        server.restart(0)
        assert server.primary() == 0
