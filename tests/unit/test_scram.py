"""Logging in: SCRAM against published conversations, and against a server that cheats."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsonx.binary import Binary
from mongodriver.auth.credentials import CredentialCache, MongoCredential
from mongodriver.auth.mechanisms import choose_mechanism, conversation
from mongodriver.auth.saslprep import saslprep
from mongodriver.auth.scram import MAX_ITERATIONS, Scram
from mongodriver.errors import ConfigurationError, OperationFailure

# The conversations of the authentication specification: nonce, what the server says first, the
# client's proof, and what the server says last.
PUBLISHED = {
    "SCRAM-SHA-1": (
        b"fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,"
        b"s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,"
        b"p=MC2T8BvbmWRckDw8oWl5IVghwCY=",
        b"v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0=",
    ),
    "SCRAM-SHA-256": (
        b"rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


def credential_of(mechanism, source, user, password):
    """A credential without properties."""
    return MongoCredential(mechanism, source, user, password, None, CredentialCache())


def _credential(mechanism: str, user: str = "user", password: str = "pencil") -> MongoCredential:
    return credential_of(mechanism, "admin", user, password)


def _reply(payload: bytes, done: bool = False) -> dict[str, Any]:
    return {"conversationId": 1, "payload": Binary(payload), "done": done, "ok": 1}


def _scram(mechanism: str) -> Scram:
    nonce = base64.b64decode(PUBLISHED[mechanism][0])
    return Scram(_credential(mechanism), mechanism, nonce)


@pytest.mark.parametrize("mechanism", PUBLISHED)
def test_the_published_conversation(mechanism: str) -> None:
    nonce, server_first, proof, server_final = PUBLISHED[mechanism]
    scram = _scram(mechanism)
    assert scram.start() == {
        "saslStart": 1,
        "mechanism": mechanism,
        "payload": Binary(b"n,,n=user,r=" + nonce),
        "autoAuthorize": 1,
        "options": {"skipEmptyExchange": True},
    }
    assert scram.speculative() == {**scram.start(), "db": "admin"}
    answer = scram.reply(_reply(server_first))
    assert answer == {"saslContinue": 1, "conversationId": 1, "payload": Binary(proof)}
    assert scram.reply(_reply(server_final, done=True)) is None


def test_a_server_that_wants_an_empty_message_gets_one() -> None:
    _, server_first, _, server_final = PUBLISHED["SCRAM-SHA-256"]
    scram = _scram("SCRAM-SHA-256")
    scram.reply(_reply(server_first))
    assert scram.reply(_reply(server_final)) == {
        "saslContinue": 1,
        "conversationId": 1,
        "payload": Binary(b""),
    }
    assert scram.reply(_reply(b"", done=True)) is None


def test_user_names_are_escaped() -> None:
    scram = Scram(_credential("SCRAM-SHA-1", user="a=b,c"), "SCRAM-SHA-1", b"x" * 24)
    assert bytes(scram.start()["payload"]).startswith(b"n,,n=a=3Db=2Cc,r=")


GOOD = dict(part.split(b"=", 1) for part in PUBLISHED["SCRAM-SHA-256"][1].split(b","))


def _first(**changes: bytes | None) -> bytes:
    fields = {**GOOD, **{name.encode(): value for name, value in changes.items()}}
    return b",".join(name + b"=" + value for name, value in fields.items() if value is not None)


@pytest.mark.parametrize(
    ("server_first", "message"),
    [
        (_first(r=b"other"), "invalid nonce"),
        (_first(r=GOOD[b"r"][:20]), "invalid nonce"),
        (_first(i=b"4095"), "invalid iteration count"),
        (_first(i=str(MAX_ITERATIONS + 1).encode()), "invalid iteration count"),
        (_first(i=b"-5000"), "invalid iteration count"),
        (_first(i=b"x"), "invalid SCRAM message"),
        (_first(i=None), "invalid SCRAM message"),
        (_first(s=None), "invalid SCRAM message"),
        (_first(s=b"!!"), "invalid SCRAM message"),
        (_first(r=None), "invalid SCRAM message"),
        (b"", "invalid SCRAM message"),
        (b"e=unknown-user", "invalid SCRAM message"),
        (b"garbage", "invalid SCRAM message"),
    ],
)
def test_a_first_message_that_cheats(server_first: bytes, message: str) -> None:
    with pytest.raises(OperationFailure, match=message):
        _scram("SCRAM-SHA-256").reply(_reply(server_first))


@pytest.mark.parametrize("final", [b"v=AAAA", b"e=other-error", b"v=", b"x"])
def test_a_server_that_does_not_know_the_password(final: bytes) -> None:
    scram = _scram("SCRAM-SHA-256")
    scram.reply(_reply(PUBLISHED["SCRAM-SHA-256"][1]))
    with pytest.raises(OperationFailure, match=r"invalid (signature|SCRAM message)"):
        scram.reply(_reply(final, done=True))


@pytest.mark.parametrize("payload", [None, 5, "text", [b"x"]])
def test_a_payload_of_another_type(payload: Any) -> None:
    with pytest.raises(OperationFailure, match="invalid SASL reply"):
        _scram("SCRAM-SHA-1").reply({"conversationId": 1, "payload": payload, "done": False})


def test_a_server_may_not_end_before_it_has_proved_itself() -> None:
    scram = _scram("SCRAM-SHA-256")
    assert scram.reply(_reply(PUBLISHED["SCRAM-SHA-256"][1], done=True)) is not None
    with pytest.raises(OperationFailure):
        scram.reply({"conversationId": 1, "done": True, "ok": 1})


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_cleanly(payload: bytes) -> None:
    with pytest.raises(OperationFailure):
        _scram("SCRAM-SHA-256").reply(_reply(payload))


def test_keys_are_derived_once_for_a_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[bytes] = []

    def count(name: str, password: bytes, salt: bytes, rounds: int) -> bytes:
        derived.append(salt)
        return hmac.digest(password, salt, name)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", count)
    credential = _credential("SCRAM-SHA-256")
    nonce = base64.b64decode(PUBLISHED["SCRAM-SHA-256"][0])

    def talk(server_first: bytes) -> None:
        Scram(credential, "SCRAM-SHA-256", nonce).reply(_reply(server_first))

    talk(_first())
    talk(_first())
    assert len(derived) == 1
    talk(_first(s=base64.b64encode(b"other salt")))
    assert len(derived) == 2


@pytest.mark.parametrize(
    ("supported", "mechanism"),
    [
        (None, "SCRAM-SHA-1"),
        ([], "SCRAM-SHA-1"),
        (["SCRAM-SHA-1"], "SCRAM-SHA-1"),
        (["SCRAM-SHA-1", "SCRAM-SHA-256"], "SCRAM-SHA-256"),
    ],
)
def test_the_default_mechanism(supported: list[str] | None, mechanism: str) -> None:
    assert choose_mechanism(supported) == mechanism


def test_the_conversation_of_a_credential() -> None:
    nonce = b"x" * 24
    default = _credential("DEFAULT")
    assert conversation(default, nonce).mechanism == "SCRAM-SHA-256"
    assert conversation(default, nonce, []).mechanism == "SCRAM-SHA-1"
    assert conversation(_credential("SCRAM-SHA-1"), nonce).mechanism == "SCRAM-SHA-1"
    with pytest.raises(ConfigurationError, match="GSSAPI is not available"):
        conversation(_credential("GSSAPI"), nonce)
    with pytest.raises(ConfigurationError, match="not a SCRAM mechanism"):
        Scram(default, "PLAIN", nonce)


def test_plain() -> None:
    plain = conversation(credential_of("PLAIN", "$external", "u", "p"), b"")
    assert plain.start() == {
        "saslStart": 1,
        "mechanism": "PLAIN",
        "payload": Binary(b"\0u\0p"),
        "autoAuthorize": 1,
    }
    assert plain.speculative() is None
    assert plain.reply({"ok": 1, "done": True}) is None


def test_x509() -> None:
    named = conversation(credential_of("MONGODB-X509", "$external", "CN=a", None), b"")
    assert named.start() == {"authenticate": 1, "mechanism": "MONGODB-X509", "user": "CN=a"}
    nameless = conversation(credential_of("MONGODB-X509", "$external", None, None), b"")
    assert nameless.start() == {"authenticate": 1, "mechanism": "MONGODB-X509"}
    assert nameless.speculative() == {**nameless.start(), "db": "$external"}
    assert nameless.reply({"ok": 1}) is None


def test_credentials_compare_without_their_cached_keys() -> None:
    one, other = _credential("SCRAM-SHA-1"), _credential("SCRAM-SHA-1")
    one.cache["x"] = 1
    assert one == other
    assert "pencil" not in repr(one)


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("", ""),
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u00a0x", " x"),
        ("e\u0301", "\u00e9"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
    ],
)
def test_saslprep(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\u0007", "prohibited"),
        ("\u0627\u0031", "bidirectional"),
        ("a\u0627", "bidirectional"),
        ("\u0221", "prohibited"),
        ("\U000e0001", "prohibited"),
    ],
)
def test_saslprep_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        saslprep(text)


def test_saslprep_of_a_query_may_hold_unassigned_code_points() -> None:
    assert saslprep("\u0221", prohibit_unassigned_code_points=False) == "\u0221"
