"""The second look at a peer that hung up: what it sends, and what it makes of the answers."""

from __future__ import annotations

import socket
import ssl
from time import monotonic

import pytest

from certificates import Certificates
from fake_mongod import HANG_UP, FakeMongod
from flavours import FLAVOURS, run_on
from mongodriver.cmap.failures import Limits, connection_failure
from mongodriver.io.base import ConnectionClosed, ConnectOptions, HandshakeFailed
from mongodriver.io.probe import asks_for_certificate, find_out, speaks_plain_text
from mongodriver.io.tls import Tls
from mongodriver.sdam.evidence import kind_of_error
from mongodriver.values.causes import CauseKind as K
from scripted import scripted


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def tls_server(files, asks=ssl.CERT_NONE, lowest=ssl.TLSVersion.TLSv1_2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    context.load_verify_locations(files.ca)
    context.verify_mode = asks
    context.minimum_version = lowest

    def serve(sock):
        try:
            with context.wrap_socket(sock, server_side=True) as secure:
                secure.recv(1)
        except ssl.SSLError:
            pass  # the look ends in the middle of the handshake

    return scripted(serve)


def client_context(files):
    context = ssl.create_default_context(cafile=files.ca)
    context.check_hostname = False
    return context


def soon():
    return monotonic() + 30


@pytest.mark.parametrize("lowest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("asks", [ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_whether_a_certificate_is_asked_for(asks, lowest, files):
    with tls_server(files, asks, lowest) as server:
        asked = asks_for_certificate(server.address, None, soon())
    assert asked is (asks != ssl.CERT_NONE)


NOT_THIS_VERSION = b"\x15\x03\x03\x00\x02\x02\x46"


@pytest.mark.parametrize("first", [b"", NOT_THIS_VERSION])
def test_a_server_that_speaks_only_tls_1_3_may_hang_up_on_others(first, files):
    """As mongod does: then it is asked in TLS 1.3, and tells no less."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    looks = []

    def serve(sock):
        looks.append(sock)
        if len(looks) == 1:
            sock.recv(4096)
            sock.sendall(first)
            return
        with pytest.raises(ssl.SSLError), context.wrap_socket(sock, server_side=True):
            pass

    with scripted(serve) as server:
        assert asks_for_certificate(server.address, None, soon()) is True


@pytest.mark.parametrize("first", [b"", NOT_THIS_VERSION])
@pytest.mark.parametrize("second", [b"", NOT_THIS_VERSION, b"HTTP/1.1 400 Bad\r\n\r\n"])
def test_what_refuses_all_versions_of_tls(first, second):
    answers = [first, second]

    def serve(sock):
        sock.recv(4096)
        sock.sendall(answers.pop(0))

    with scripted(serve) as server:
        asked = asks_for_certificate(server.address, None, soon())
    assert answers == []
    assert asked is (False if NOT_THIS_VERSION in (first, second) else None)


ANSWERS = [b"", b"\x16", b"\x16\x03", b"\x16\x03\x03\xff\xff\x0d", b"HTTP/1.1 400 Bad\r\n\r\n"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_speaks_no_tls(answer):
    def serve(sock):
        sock.recv(4096)
        sock.sendall(answer)

    with scripted(serve) as server:
        asked = asks_for_certificate(server.address, None, soon())
    # A record that begins like TLS is as much of it as can be told.
    assert asked is (False if answer[:2] == b"\x16\x03" and len(answer) >= 5 else None)


def test_a_flight_without_end_is_given_up():
    def serve(sock):
        sock.recv(4096)
        while True:
            sock.sendall(b"\x16\x03\x03\x00\x04\x02\xff\xff\xff" * 1000)

    with scripted(serve) as server:
        assert asks_for_certificate(server.address, None, soon()) is False


def test_plain_text():
    with FakeMongod() as server:
        assert speaks_plain_text(server.address, None, soon())
        (request,) = server.of("hello")
        # Nothing of the client, and nothing of its user.
        assert request.body == {"hello": 1, "$db": "admin"}


@pytest.mark.parametrize("answer", [*ANSWERS, b"\x00" * 16, b"\xff" * 64])
def test_what_does_not_answer_a_hello(answer):
    def serve(sock):
        sock.recv(4096)
        sock.sendall(answer)

    with scripted(serve) as server:
        assert not speaks_plain_text(server.address, None, soon())


def test_a_look_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for look in (speaks_plain_text, asks_for_certificate):
            with pytest.raises(TimeoutError):
                look(silent.getsockname(), None, monotonic() + 0.05)


# -- the cause of an error --


CLOSED = ConnectionClosed("connection closed")
HUNG_UP = HandshakeFailed("the peer ended the connection")
REFUSED = ConnectionRefusedError(111, "refused")


def looked_at(flavour, address, error, context=None):
    """An error after a second look."""
    failure = connection_failure(error, address, Limits())
    text = str(failure)
    tls = None if context is None else Tls(context)

    async def main(backend):
        await find_out(backend, address, ConnectOptions(5, tls), failure)

    run_on(flavour, main)
    assert str(failure) == text
    return failure


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_found_out_is_the_cause(flavour, files):
    context = client_context(files)
    with tls_server(files, ssl.CERT_REQUIRED) as server:
        assert kind_of_error(looked_at(flavour, server.address, CLOSED)) == K.TLS_REQUIRED
        found = looked_at(flavour, server.address, CLOSED, context)
        assert kind_of_error(found) == K.TLS_CLIENT_CERTIFICATE
        assert found.__cause__.__cause__ is CLOSED
        assert kind_of_error(looked_at(flavour, server.address, HUNG_UP, context)) == K.TLS_CLOSED
    with tls_server(files) as server:
        assert kind_of_error(looked_at(flavour, server.address, CLOSED, context)) == K.CLOSED
    with FakeMongod() as server:
        found = looked_at(flavour, server.address, HUNG_UP, context)
        assert kind_of_error(found) == K.TLS_PLAIN_TEXT
        assert kind_of_error(looked_at(flavour, server.address, CLOSED)) == K.CLOSED


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_server_that_can_do_without_a_certificate_hung_up_for_another_reason(flavour, files):
    """It asks for one, and may be back in a moment: no reason to give up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    with FakeMongod(lambda request: HANG_UP, tls=context) as server:
        assert asks_for_certificate(server.address, None, soon()) is True
        found = looked_at(flavour, server.address, CLOSED, client_context(files))
        assert kind_of_error(found) == K.CLOSED


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nobody_looks_at_other_errors(flavour):
    with FakeMongod() as server:
        for error in (REFUSED, TimeoutError("timed out")):
            assert looked_at(flavour, server.address, error).__cause__ is error
        assert server.connections == 0


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_host_that_is_gone_meanwhile(flavour):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
    assert looked_at(flavour, address, CLOSED).__cause__ is CLOSED
    assert looked_at(flavour, ("/tmp/none.sock", None), CLOSED).__cause__ is CLOSED
