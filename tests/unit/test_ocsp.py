"""OCSP: which responses are believed, what is remembered, and responders that mean no good."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from time import monotonic

import pytest

pytest.importorskip("cryptography", minversion="43")

from cryptography.x509.oid import ExtendedKeyUsageOID

from authorities import DAY, Authority, Issued, http, now, responder
from mongodriver.io import responders as asking
from mongodriver.io import revocation as module
from mongodriver.io.ocsp import NotBelieved, Question, must_staple
from mongodriver.io.responders import MAX_ANSWER
from mongodriver.io.revocation import Revocation
from scripted import scripted

SIGNING = [ExtendedKeyUsageOID.OCSP_SIGNING]


@pytest.fixture(scope="module", params=["ec", "rsa"])
def authority(request):
    return Authority(request.param)


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue("localhost")


@pytest.fixture(scope="module")
def delegate(authority):
    return authority.issue(common="responder", usages=SIGNING)


@pytest.fixture
def question(authority, issued):
    return Question(issued.der, authority.der)


# -- responses --


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("revoked", [False, True])
def test_the_issuer_is_believed(authority, issued, question, revoked, by_name):
    data = authority.answer(issued, revoked=revoked, by_name=by_name)
    answer, until = question.answer(data, now())
    assert answer is revoked
    assert until is not None and until > now()


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("revoked", [False, True])
def test_whom_the_issuer_has_allowed_is_believed(
    authority, issued, question, delegate, revoked, by_name
):
    data = authority.answer(issued, revoked=revoked, signer=delegate, by_name=by_name)
    assert question.answer(data, now())[0] is revoked


def test_an_answer_for_now_only(authority, issued, question):
    assert question.answer(authority.answer(issued, no_next=True), now()) == (False, None)


def _answers(authority, issued):
    """What must not be believed, by what is wrong with it."""
    other = Authority(authority.kind, "another authority")
    namesake = Authority(authority.kind, "an authority")
    stranger = other.issue(common="responder", usages=SIGNING)
    good = authority.answer(issued)
    signature = bytearray(good)
    signature[-20] ^= 1
    over = authority.issue(
        common="responder", usages=SIGNING, start=now() - 2 * DAY, end=now() - DAY
    )
    return {
        "another certificate": authority.answer(authority.issue("localhost")),
        "signature is wrong": bytes(signature),
        "signature is wrong ": authority.answer(
            issued, signer=Issued(namesake.certificate, namesake.key), by_name=True
        ),
        "the future": authority.answer(
            issued, this_update=now() + DAY, next_update=now() + 2 * DAY
        ),
        "too old": authority.answer(
            issued, this_update=now() - 2 * DAY, next_update=now() - timedelta(seconds=1)
        ),
        "does not know": authority.answer(issued, unknown=True),
        "not the issuer's": authority.answer(issued, signer=stranger),
        "may not sign": authority.answer(issued, signer=authority.issue(common="responder")),
        "not valid at this time": authority.answer(issued, signer=over),
        "nobody knows who": authority.answer(issued, signer=stranger, carry=False),
        "not a response": b"",
        "not a response ": good[:100],
        "not a response  ": b"\x30\x84\xff\xff\xff\xff" + good,
        "unauthorized": bytes.fromhex("30030a0106"),
    }


@pytest.mark.parametrize(
    "problem",
    [
        "another certificate",
        "signature is wrong",
        "signature is wrong ",
        "the future",
        "too old",
        "does not know",
        "not the issuer's",
        "may not sign",
        "not valid at this time",
        "nobody knows who",
        "not a response",
        "not a response ",
        "not a response  ",
        "unauthorized",
    ],
)
def test_what_is_not_believed(authority, issued, question, problem):
    with pytest.raises(NotBelieved, match=problem.strip()):
        question.answer(_answers(authority, issued)[problem], now())


def test_an_authority_of_the_same_name_is_not_believed(issued, question, authority):
    other = Authority(authority.kind, "an authority")
    with pytest.raises(NotBelieved):
        question.answer(other.answer(issued, by_name=True), now())


def test_damaged_responses_are_not_believed(authority, issued, question):
    good = authority.answer(issued, revoked=True)
    for place in range(len(good)):
        damaged = bytearray(good)
        damaged[place] ^= 0x55
        try:
            assert question.answer(bytes(damaged), now())[0]
        except NotBelieved:
            pass


def test_must_staple(authority, issued):
    assert not must_staple(issued.der)
    assert must_staple(authority.issue("localhost", must_staple=True).der)


# -- asking --


def no_dial(deadline):
    raise AssertionError("only responders are asked")


def ask(revocation, issued, authority, urls, deadline=None):
    """What a connection does: nothing is said of a certificate that is good."""
    inquiry = revocation.inquiry(issued.der, authority.der, urls, ("localhost", 1), no_dial)
    if inquiry is not None:
        inquiry(deadline)
    return inquiry is not None


def test_a_good_certificate_is_asked_about_once(authority, issued):
    revocation = Revocation()
    with responder(http(authority.answer(issued))) as asked:
        assert ask(revocation, issued, authority, [asked.url])
        assert not ask(revocation, issued, authority, [asked.url])
        (request,) = asked.requests
    assert request.startswith(b"POST /status?of=it HTTP/1.0\r\n")


def test_a_revoked_certificate_is_refused_without_asking_again(authority, issued):
    revocation = Revocation()
    with responder(http(authority.answer(issued, revoked=True))) as asked:
        for _ in range(2):
            with pytest.raises(ssl.SSLCertVerificationError, match="it was revoked"):
                ask(revocation, issued, authority, [asked.url])
        assert len(asked.requests) == 1


def test_an_answer_is_forgotten_when_its_time_is_over(authority, issued, monkeypatch):
    revocation = Revocation()
    with responder(http(authority.answer(issued))) as asked:
        assert ask(revocation, issued, authority, [asked.url])
        monkeypatch.setattr(module, "now", lambda: now() + 2 * DAY)
        assert ask(revocation, issued, authority, [asked.url])


def test_the_end_of_the_connection_is_the_end_of_the_answer(authority, issued):
    answer = http(authority.answer(issued, revoked=True), length=False)
    with responder(answer) as asked, pytest.raises(ssl.SSLCertVerificationError):
        ask(Revocation(), issued, authority, [asked.url])


def test_responders_are_asked_at_the_same_time(authority, issued):
    answer = http(authority.answer(issued, revoked=True))
    with (
        responder() as silent,
        responder(answer) as asked,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ask(Revocation(), issued, authority, [silent.url, asked.url])


def unusable(authority, issued):
    good = authority.answer(issued, revoked=True)
    return {
        "another status": http(good, "404 Not Found"),
        "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "nothing": b"",
        "no length": http(good).replace(b"Content-Length: ", b"Content-Length: x"),
        "endless": http(bytes(MAX_ANSWER + 1), length=False),
        "endless head": b"HTTP/1.0 200 OK\r\n" + b"x: y\r\n" * MAX_ANSWER,
        "lies about its length": http(good).replace(b"Content-Length: ", b"Content-Length: 1"),
        "no response": http(b"nonsense"),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("another status", "no HTTP", "nothing", "no length", "endless", "endless head"),
        *("lies about its length", "no response"),
    ],
)
def test_whatever_proves_nothing_is_soft(authority, issued, what):
    """The certificate is trusted, and nobody is asked again for a while."""
    revocation = Revocation()
    with responder(unusable(authority, issued)[what]) as asked:
        if what == "lies about its length":
            # The rest never comes, but the connection ends.
            with pytest.raises(ssl.SSLCertVerificationError):
                ask(revocation, issued, authority, [asked.url])
            return
        assert ask(revocation, issued, authority, [asked.url])
        assert not ask(revocation, issued, authority, [asked.url])


def test_a_responder_that_is_not_there(authority, issued):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    assert ask(Revocation(), issued, authority, [url])


def test_a_silent_responder_ends_at_the_deadline(authority, issued):
    with responder() as silent:
        assert ask(Revocation(), issued, authority, [silent.url], monotonic() + 0.2)


def test_a_responder_that_answers_byte_by_byte_ends_at_the_deadline(authority, issued):
    def drip(sock):
        while sock.send(b"H"):
            pass

    with scripted(drip) as dripping:
        url = f"http://127.0.0.1:{dripping.address[1]}/"
        assert ask(Revocation(), issued, authority, [url], monotonic() + 0.2)


@pytest.mark.parametrize(
    "url",
    [
        *("https://r.test/", "ldap://r.test/", "http:///", "http://r.test:0/", "http://r.test:x/"),
        *("http://r.test/a\r\nX: y", "file:///etc/passwd", ""),
    ],
)
def test_urls_that_are_not_asked(authority, issued, url, monkeypatch):
    def connect(*args):
        raise AssertionError(args)

    monkeypatch.setattr(asking, "open_socket", connect)
    assert ask(Revocation(), issued, authority, [url])


# -- certificates that demand a staple --


@pytest.fixture(scope="module")
def stapled(authority):
    return authority.issue("localhost", must_staple=True)


def test_a_responder_may_vouch_for_what_should_be_stapled(authority, stapled):
    with responder(http(authority.answer(stapled))) as asked:
        assert ask(Revocation(), stapled, authority, [asked.url])


def test_without_a_responder_it_is_refused_every_time(authority, stapled):
    revocation = Revocation()
    with responder(b"") as broken:
        for _ in range(2):
            with pytest.raises(ssl.SSLCertVerificationError, match="nobody vouches"):
                ask(revocation, stapled, authority, [broken.url])
    with pytest.raises(ssl.SSLCertVerificationError, match="nobody vouches"):
        ask(revocation, stapled, authority, [])


def test_what_names_no_responder_is_not_asked_about(authority, issued):
    assert not ask(Revocation(), issued, authority, [])


def test_the_memory_is_bounded(authority, issued, monkeypatch):
    monkeypatch.setattr(module, "_MAX_KNOWN", 2)
    revocation = Revocation()
    several = [authority.issue("localhost") for _ in range(4)]
    for one in several:
        with responder(http(authority.answer(one))) as asked:
            ask(revocation, one, authority, [asked.url])
    assert len(revocation._known) == 2
