"""MONGODB-AWS: where credentials come from, and what the server is told, by a scripted server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from aws_server import KEY, KEY_ID, TOKEN, AwsServer
from bsonx.binary import Binary
from core_kit import Find, Run, use
from fake_mongod import Request
from http_services import HttpService
from mongodriver.errors import ConfigurationError, OperationFailure
from mongodriver.identity import aws, aws_sdk

VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """Nothing of this machine's counts, and nothing is kept."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("STS", "ECS", "EC2"):
        monkeypatch.setattr(aws, name, "http://127.0.0.1:1")
    monkeypatch.setattr(aws_sdk, "import_module", _no_library)
    aws.forget()
    yield
    aws.forget()


def _no_library(name):
    raise ImportError(name)


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def log_in(flavour: str, server: AwsServer, user: str = "", **options: Any) -> Any:
    uri = server.uri.replace("//", f"//{user}") + "?authMechanism=MONGODB-AWS"
    return use(flavour, uri, find, retryreads=False, **options)


def temporary(minutes: float = 60, **changes: Any) -> dict[str, Any]:
    """What services answer."""
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "AccessKeyId": KEY_ID,
        "SecretAccessKey": KEY,
        "Token": TOKEN,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **changes,
    }


# -- what the server is told --


@pytest.mark.parametrize("host", ["sts.amazonaws.com", "sts.us-west-2.amazonaws.com"])
def test_a_user_of_the_connection_string(flavour, host):
    with AwsServer(host=host) as server:
        assert log_in(flavour, server, f"{KEY_ID}:{quote(KEY, safe='')}@") == []
        (said,) = server.logins
    assert list(said) == ["a", "d"]


def test_a_session_token_of_the_options(flavour):
    with AwsServer() as server:
        properties = {"AWS_SESSION_TOKEN": TOKEN}
        user = f"{KEY_ID}:{quote(KEY, safe='')}@"
        assert log_in(flavour, server, user, authmechanismproperties=properties) == []
        assert server.logins[0]["t"] == TOKEN


def test_a_wrong_key_is_refused(flavour):
    with AwsServer() as server, pytest.raises(OperationFailure) as caught:
        log_in(flavour, server, f"{KEY_ID}:s3cr3t@")
    assert caught.value.code == 18
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"s": Binary(b"x" * 64)}, "invalid nonce"),
        ({"s": Binary(b"x" * 63)}, "invalid nonce"),
        ({"s": "text"}, "invalid SASL reply"),
        ({"h": 1}, "invalid SASL reply"),
        ({"h": ""}, "invalid sts host"),
        ({"h": ".amazonaws.com"}, "invalid sts host"),
        ({"h": "sts..com"}, "invalid sts host"),
        ({"h": "sts.amazonaws."}, "invalid sts host"),
        ({"h": "a" * 256}, "invalid sts host"),
    ],
)
def test_a_server_that_cheats_gets_no_signature(flavour, changes, why):
    with AwsServer(**changes) as server:
        with pytest.raises(OperationFailure, match=why):
            log_in(flavour, server, f"{KEY_ID}:{quote(KEY, safe='')}@")
        assert server.logins == []


# -- where credentials come from --


@pytest.mark.parametrize("token", [None, "", TOKEN])
def test_credentials_of_the_environment(flavour, monkeypatch, token):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    with AwsServer() as server:
        assert log_in(flavour, server) == []
        assert server.logins[0].get("t") == (token or None)
    assert aws.KEPT.get() is None


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_of_them_is_an_error(flavour, monkeypatch, name):
    monkeypatch.setenv(name, "s3cr3t")
    with AwsServer() as server, pytest.raises(ConfigurationError, match="needs both") as caught:
        log_in(flavour, server)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("session", [None, "app1"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_role_for_an_identity_token(flavour, monkeypatch, tmp_path, session, wrapped):
    path = tmp_path / "token"
    path.write_text("ey.J.x\n")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(path))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x y")
    if session is not None:
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", session)
    found = temporary(SessionToken=TOKEN)
    found.pop("Token")
    answer: dict[str, Any] = {"Credentials": found}
    if wrapped:  # as the service really answers
        found["Expiration"] = datetime.now(UTC).timestamp() + 3600
        result = {"AssumeRoleWithWebIdentityResult": answer}
        answer = {"AssumeRoleWithWebIdentityResponse": result}
    with HttpService(lambda asked: json.dumps(answer)) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "STS", service.url)
        assert log_in(flavour, server) == []
        assert server.logins[0]["t"] == TOKEN
        (asked,) = service.requests
    assert (asked.method, asked.path) == ("POST", "/")
    assert asked.headers["accept"] == "application/json"
    said = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    name = said.pop("RoleSessionName")
    assert name == session if session else len(name) == 32
    assert said == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": "arn:aws:iam::1:role/x y",
        "WebIdentityToken": "ey.J.x",
    }
    assert aws.KEPT.get() is not None


def test_an_identity_token_that_cannot_be_read(flavour, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn")
    with AwsServer() as server, pytest.raises(ConfigurationError, match="cannot be read"):
        log_in(flavour, server)


@pytest.mark.parametrize("path", ["/v2/credentials/id", "v2/credentials/id"])
def test_credentials_of_a_container(flavour, monkeypatch, path):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path)
    with HttpService(lambda asked: json.dumps(temporary())) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "ECS", service.url)
        assert log_in(flavour, server) == []
        assert [asked.path for asked in service.requests] == ["/v2/credentials/id"]


def machine(asked: Any) -> Any:
    """EC2's metadata service."""
    folder = "/latest/meta-data/iam/security-credentials/"
    if (asked.method, asked.path) == ("PUT", "/latest/api/token"):
        assert 0 < int(asked.headers["x-aws-ec2-metadata-token-ttl-seconds"]) <= 21600
        return "session"
    if asked.headers.get("x-aws-ec2-metadata-token") != "session":
        return 401, "no token"
    return {folder: "the-role\n", folder + "the-role": json.dumps(temporary(Code="Success"))}.get(
        asked.path, (404, "what?")
    )


def test_credentials_of_a_machine(flavour, monkeypatch):
    with HttpService(machine) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "EC2", service.url)
        assert log_in(flavour, server) == []
        assert [asked.method for asked in service.requests] == ["PUT", "GET", "GET"]


def test_environment_and_proxies_are_nothing_to_a_machine_that_is_near(flavour, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with HttpService(machine) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "EC2", service.url)
        assert log_in(flavour, server) == []


@pytest.mark.parametrize(
    "answer",
    [
        (500, "out of order"),
        (302, "", {"Location": "http://127.0.0.1:1/elsewhere"}),
        "no JSON",
        "[]",
        "{}",
        json.dumps(temporary(SecretAccessKey=1)),
        json.dumps(temporary(Token="")),
    ],
)
def test_a_service_that_has_none(flavour, monkeypatch, answer):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")
    with HttpService(lambda asked: answer) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "ECS", service.url)
        with pytest.raises(OperationFailure, match="AWS credentials cannot be had"):
            log_in(flavour, server)
        assert len(service.requests) == 1
    assert aws.KEPT.get() is None


def test_a_service_that_is_not_there(flavour):
    with AwsServer() as server, pytest.raises(OperationFailure, match="cannot be had"):
        log_in(flavour, server)


# -- what is kept --


def test_what_was_fetched_is_used_by_all_clients(flavour, monkeypatch):
    with HttpService(machine) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "EC2", service.url)
        for _ in range(2):
            log_in(flavour, server)
        assert len(service.requests) == 3
        # The environment does not count any more.
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
        log_in(flavour, server)


@pytest.mark.parametrize(
    ("minutes", "kept"), [(4, False), (6, True), (-1, False), (float("nan"), False)]
)
def test_what_expires_soon_is_fetched_again(flavour, monkeypatch, minutes, kept):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")
    answer = temporary() if minutes != minutes else temporary(minutes)
    if minutes != minutes:
        answer["Expiration"] = "some day"
    with HttpService(lambda asked: json.dumps(answer)) as service, AwsServer() as server:
        monkeypatch.setattr(aws, "ECS", service.url)
        for _ in range(2):
            log_in(flavour, server)
        assert len(service.requests) == (1 if kept else 2)


def test_a_failed_login_has_it_fetched_again(flavour, monkeypatch):
    with HttpService(machine) as service, AwsServer(key="another") as server:
        monkeypatch.setattr(aws, "EC2", service.url)
        with pytest.raises(OperationFailure):
            log_in(flavour, server)
        assert aws.KEPT.get() is None
        server.key = KEY
        log_in(flavour, server)
        assert aws.KEPT.get() is not None
        assert len(service.requests) == 6


def test_a_server_that_wants_it_is_logged_in_to_again(flavour):
    with AwsServer() as server:
        asked: list[Request] = []
        answer = server.answer

        def once(request: Request) -> Any:
            if request.name == "ping" and not asked:
                asked.append(request)
                return {"ok": 0, "code": 391, "errmsg": "log in again"}
            return answer(request)

        server.answer = once

        async def main(client):
            return await client.execute(Run({"ping": 1}))

        uri = server.uri.replace("//", f"//{KEY_ID}:{quote(KEY, safe='')}@")
        assert use(flavour, uri + "?authMechanism=MONGODB-AWS", main)["ok"] == 1
        assert len(server.logins) == 2


def test_a_key_is_in_no_repr():
    from mongodriver.auth.sigv4 import AwsCredentials

    assert KEY not in repr(AwsCredentials(KEY_ID, KEY, TOKEN))
    assert TOKEN not in f"{AwsCredentials(KEY_ID, KEY, TOKEN)}"
