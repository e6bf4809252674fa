"""GSSAPI: against a key distribution center of our own, and a scripted server with its keys."""

from __future__ import annotations

import base64
import os
import sys
from typing import Any
from urllib.parse import quote, unquote

import pytest

import kerberos_realm as kerberos
from bsonx.binary import Binary
from core_kit import Find, Run, use
from fake_mongod import STANDALONE, FakeMongod, Request
from mongodriver.errors import ConfigurationError, OperationFailure
from mongodriver.identity import kerberos as library

gssapi = pytest.importorskip(
    "gssapi", reason="the package gssapi is not installed; it is built against Kerberos' headers"
)
if kerberos.missing():
    pytest.skip(kerberos.missing(), allow_module_level=True)


@pytest.fixture(scope="module")
def realm(tmp_path_factory):
    """The realm, with whose configuration this process works meanwhile."""
    before = dict(os.environ)
    with kerberos.Realm(tmp_path_factory.mktemp("realm")) as made:
        os.environ.update(made.environment)
        try:
            yield made
        finally:
            for name in made.environment:
                os.environ.pop(name, None)
                if name in before:
                    os.environ[name] = before[name]


class KerberosServer(FakeMongod):
    """The other side of the mechanism, by the library; `changes` are what it gets wrong."""

    def __init__(self, service: str = "mongodb", host: str = kerberos.HOST, **changes: Any) -> None:
        self.changes = changes
        self.names: list[str] = []
        self.users: list[bytes] = []
        self._service = f"{service}/{host}@{kerberos.REALM}"
        self._contexts: dict[int, Any] = {}
        self._let_in: set[int] = set()
        super().__init__(self._hello, self._answer)

    def _hello(self, request: Request) -> Any:
        assert "speculativeAuthenticate" not in request.body
        return STANDALONE

    def _answer(self, request: Request) -> Any:
        if request.name in ("saslStart", "saslContinue"):
            assert request.body["$db"] == "$external"
            try:
                return self._converse(request, bytes(request.body["payload"]))
            except gssapi.exceptions.GSSError as exc:
                return {"ok": 0, "code": 18, "errmsg": f"Authentication failed: {exc}"}
        if request.connection not in self._let_in:
            return {"ok": 0, "code": 13, "errmsg": "not logged in"}
        return {"ok": 1, "cursor": {"id": 0, "ns": "a.b", "firstBatch": []}}

    def _converse(self, request: Request, said: bytes) -> Any:
        number = request.connection
        if request.name == "saslStart":
            assert request.body["mechanism"] == "GSSAPI"
            name = gssapi.Name(self._service, gssapi.NameType.kerberos_principal)
            keys = gssapi.Credentials(name=name, usage="accept")
            self._contexts[number] = gssapi.SecurityContext(creds=keys, usage="accept")
        context = self._contexts[number]
        if not context.complete:
            token = context.step(said)
            return self._say(self.changes.get("token", token), done=self.changes.get("early"))
        if said == b"":
            offer = self.changes.get("offer", bytes([1, 0, 0, 0]))
            return self._say(context.wrap(offer, encrypt=False).message)
        answer = bytes(context.unwrap(said).message)
        assert answer[:4] == bytes([1, 0, 0, 0])
        self.users.append(answer[4:])
        self.names.append(str(context.initiator_name))
        self._let_in.add(number)
        return self._say(b"", done=self.changes.get("done", True))

    @staticmethod
    def _say(payload: bytes, done: Any = False) -> Any:
        return {"ok": 1, "conversationId": 1, "done": bool(done), "payload": Binary(payload)}


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def log_in(flavour: str, server: KerberosServer, password: str | None = None, **properties: Any):
    """Log in as the user; the server is known by a name that only Kerberos has."""
    properties.setdefault("SERVICE_HOST", kerberos.HOST)
    user = quote(kerberos.USER) + ("" if password is None else f":{quote(password)}")
    uri = server.uri.replace("//", f"//{user}@") + "?authMechanism=GSSAPI"
    return use(flavour, uri, find, authmechanismproperties=properties, retryreads=False)


def test_a_ticket(flavour, realm):
    realm.log_in()
    with KerberosServer() as server:
        assert log_in(flavour, server) == []
        assert server.names == [kerberos.USER]
        assert server.users == [kerberos.USER.encode()]
        assert len(server.of("saslContinue")) == 2


def test_a_password(flavour, realm):
    realm.log_out()
    with KerberosServer() as server:
        assert log_in(flavour, server, kerberos.PASSWORD) == []
        assert server.names == [kerberos.USER]


@pytest.mark.parametrize("canonicalize", ["none", "forward", False])
def test_the_name_of_the_server(flavour, realm, canonicalize):
    realm.log_in()
    with KerberosServer(host="localhost") as server:
        uri = f"mongodb://{quote(kerberos.USER)}@localhost:{server.address[1]}/"
        options = {
            "authmechanism": "GSSAPI",
            "authmechanismproperties": {"CANONICALIZE_HOST_NAME": canonicalize},
        }
        assert use(flavour, uri, find, **options) == []


def test_names_of_service_and_realm(flavour, realm):
    realm.log_in()
    with KerberosServer(service="other") as server:
        assert log_in(flavour, server, SERVICE_NAME="other") == []
        assert log_in(flavour, server, SERVICE_NAME="other", SERVICE_REALM=kerberos.REALM) == []
        with pytest.raises(OperationFailure):
            log_in(flavour, server)
        with pytest.raises(OperationFailure):
            log_in(flavour, server, SERVICE_NAME="unheard-of")
        with pytest.raises(OperationFailure):
            log_in(flavour, server, SERVICE_NAME="other", SERVICE_REALM="ELSEWHERE.TEST")


def test_no_ticket_is_an_error(flavour, realm):
    realm.log_out()
    with KerberosServer() as server:
        with pytest.raises(OperationFailure, match="Kerberos"):
            log_in(flavour, server)
        assert server.of("saslStart") == []


def test_a_wrong_password_is_an_error(flavour, realm):
    realm.log_out()
    with KerberosServer() as server:
        with pytest.raises(OperationFailure, match="Kerberos") as caught:
            log_in(flavour, server, "s3cr3t-wrong")
        assert server.of("saslStart") == []
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"token": b"forged"}, "Kerberos"),
        ({"early": True}, "without proving itself"),
        ({"offer": bytes([6, 0, 0, 0])}, "no SASL security layer"),
        ({"offer": b""}, "no SASL security layer"),
        ({"done": False}, "does not end"),
    ],
)
def test_a_server_that_cheats(flavour, realm, changes, why):
    realm.log_in()
    with KerberosServer(**changes) as server, pytest.raises(OperationFailure, match=why):
        log_in(flavour, server)


def test_a_server_that_wants_it_is_logged_in_to_again(flavour, realm):
    realm.log_in()
    with KerberosServer() as server:
        answer, asked = server.answer, []

        def once(request: Request) -> Any:
            if request.name == "ping" and not asked:
                asked.append(request)
                return {"ok": 0, "code": 391, "errmsg": "log in again"}
            return answer(request)

        server.answer = once

        async def main(client):
            return await client.execute(Run({"ping": 1}))

        uri = server.uri.replace("//", f"//{quote(kerberos.USER)}@")
        options = {"authmechanism": "GSSAPI"}
        options["authmechanismproperties"] = {"SERVICE_HOST": kerberos.HOST}
        assert use(flavour, uri, main, **options)["ok"] == 1
        assert len(server.users) == 2


def test_without_the_library_the_error_names_it(flavour, realm, monkeypatch):
    def lacks(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(library, "import_module", lacks)
    with KerberosServer() as server, pytest.raises(ConfigurationError, match="extra 'gssapi'"):
        log_in(flavour, server)


class SspiLike:
    """The package `winkerberos`, as its documentation has it, by the library that is here."""

    AUTH_GSS_COMPLETE, AUTH_GSS_CONTINUE = 1, 0
    GSS_C_MUTUAL_FLAG = 2
    GSSError = gssapi.exceptions.GSSError

    class _State:
        context: Any
        response: bytes

    def authGSSClientInit(self, service, principal=None, gssflags=0):
        assert gssflags & self.GSS_C_MUTUAL_FLAG
        target = service if "@" in service else f"{service}@{kerberos.REALM}"
        name = gssapi.Name(target, gssapi.NameType.kerberos_principal)
        state = self._State()
        keys = None
        if principal is not None:
            user, password = map(unquote, principal.split(":"))
            own = gssapi.Name(user, gssapi.NameType.user)
            found = gssapi.raw.acquire_cred_with_password(own, password.encode(), usage="initiate")
            keys = gssapi.Credentials(base=found.creds)
        mechanism = gssapi.MechType.kerberos
        state.context = gssapi.SecurityContext(
            name=name, creds=keys, mech=mechanism, usage="initiate", flags=gssflags
        )
        return self.AUTH_GSS_COMPLETE, state

    def authGSSClientStep(self, state, challenge):
        state.response = state.context.step(base64.b64decode(challenge) or None) or b""
        return int(state.context.complete)

    def authGSSClientResponse(self, state):
        return base64.b64encode(state.response).decode() or None

    def authGSSClientUnwrap(self, state, challenge):
        state.response = state.context.unwrap(base64.b64decode(challenge)).message
        return self.AUTH_GSS_COMPLETE

    def authGSSClientWrap(self, state, data, user=None):
        message = bytes([1, 0, 0, 0]) + user.encode()
        state.response = state.context.wrap(message, encrypt=False).message
        return self.AUTH_GSS_COMPLETE


@pytest.mark.parametrize("password", [None, kerberos.PASSWORD])
@pytest.mark.parametrize("name", [None, kerberos.REALM])
def test_the_library_of_windows(flavour, realm, monkeypatch, password, name):
    (realm.log_in if password is None else realm.log_out)()
    monkeypatch.setitem(sys.modules, "winkerberos", SspiLike())
    monkeypatch.setattr(library, "_WINDOWS", True)
    properties = {} if name is None else {"SERVICE_REALM": name}
    with KerberosServer() as server:
        assert log_in(flavour, server, password, **properties) == []
        assert server.users == [kerberos.USER.encode()]


def test_an_error_of_the_library_of_windows(flavour, realm, monkeypatch):
    realm.log_out()
    monkeypatch.setitem(sys.modules, "winkerberos", SspiLike())
    monkeypatch.setattr(library, "_WINDOWS", True)
    with KerberosServer() as server:
        with pytest.raises(OperationFailure, match="Kerberos") as caught:
            log_in(flavour, server, "s3cr3t-wrong")
        with pytest.raises(OperationFailure, match="Kerberos"):
            log_in(flavour, server)
    assert "s3cr3t" not in str(caught.value)
