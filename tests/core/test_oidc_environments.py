"""The environments that MONGODB-OIDC has tokens from: metadata services of our own, and files."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core_kit import Find, use
from http_services import Asked, HttpService
from mongodriver.errors import ConfigurationError, OperationFailure
from mongodriver.identity import oidc
from oidc_server import OidcServer

RESOURCE = "api://a b/c?d&e=f,:%"
VARIABLES = ("OIDC_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Nothing of this machine's counts."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("AZURE", "GCP"):
        monkeypatch.setattr(oidc, name, "http://127.0.0.1:1")
    monkeypatch.setattr(oidc, "KUBERNETES_TOKEN", str(tmp_path / "none"))


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def log_in(flavour: str, server: OidcServer, user: str = "", **properties: str) -> Any:
    uri = server.uri.replace("//", f"//{user}")
    options = {"authmechanism": "MONGODB-OIDC", "authmechanismproperties": properties}
    return use(flavour, uri, find, retryreads=False, servermonitoringmode="poll", **options)


@pytest.mark.parametrize("user", ["", "client-id@"])
def test_azure(flavour, monkeypatch, user):
    answer = {"access_token": "t", "expires_in": "3599", "token_type": "Bearer"}
    with HttpService(lambda asked: json.dumps(answer)) as service, OidcServer("t") as server:
        monkeypatch.setattr(oidc, "AZURE", service.url)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        log_in(flavour, server, user, ENVIRONMENT="azure", TOKEN_RESOURCE=RESOURCE)
        assert server.said == [{"jwt": "t"}]
        (asked,) = service.requests
    assert urlsplit(asked.path).path == "/metadata/identity/oauth2/token"
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
    expected = {"api-version": "2018-02-01", "resource": RESOURCE}
    assert query == ({**expected, "client_id": "client-id"} if user else expected)
    assert asked.headers["metadata"] == "true"
    assert asked.headers["accept"] == "application/json"


def test_gcp(flavour, monkeypatch):
    with HttpService(lambda asked: "t") as service, OidcServer("t") as server:
        monkeypatch.setattr(oidc, "GCP", service.url)
        log_in(flavour, server, ENVIRONMENT="gcp", TOKEN_RESOURCE=RESOURCE)
        assert server.said == [{"jwt": "t"}]
        (asked,) = service.requests
    path = "/computeMetadata/v1/instance/service-accounts/default/identity"
    assert urlsplit(asked.path).path == path
    assert parse_qs(urlsplit(asked.path).query) == {"audience": [RESOURCE]}
    assert asked.headers["metadata-flavor"] == "Google"


@pytest.mark.parametrize("environment", ["azure", "gcp"])
@pytest.mark.parametrize("answer", [(400, "no such resource"), (302, "", {"Location": "/"})])
def test_a_service_that_refuses(flavour, monkeypatch, environment, answer):
    with HttpService(lambda asked: answer) as service, OidcServer("t") as server:
        monkeypatch.setattr(oidc, environment.upper(), service.url)
        with pytest.raises(OperationFailure, match=f"status {answer[0]}: {answer[1]}"):
            log_in(flavour, server, ENVIRONMENT=environment, TOKEN_RESOURCE="r")
        assert len(service.requests) == 1


@pytest.mark.parametrize("answer", ["t", "{}", '{"access_token": 1}', '{"access_token": ""}'])
def test_an_answer_of_azure_that_is_none(flavour, monkeypatch, answer):
    with HttpService(lambda asked: answer) as service, OidcServer("t") as server:
        monkeypatch.setattr(oidc, "AZURE", service.url)
        with pytest.raises(OperationFailure, match="cannot be had"):
            log_in(flavour, server, ENVIRONMENT="azure", TOKEN_RESOURCE="r")


def test_a_service_that_does_not_answer_is_not_waited_for_longer_than_the_operation(
    flavour, monkeypatch
):
    import threading

    over = threading.Event()

    def never(asked: Asked) -> Any:
        over.wait(60)
        return "t"

    with HttpService(never) as service, OidcServer("t") as server:
        monkeypatch.setattr(oidc, "GCP", service.url)

        async def main(client):
            with pytest.raises(Exception) as caught:
                await find(client)
            assert not over.is_set()
            return caught.value

        properties = {"ENVIRONMENT": "gcp", "TOKEN_RESOURCE": "r"}
        options = {"authmechanism": "MONGODB-OIDC", "authmechanismproperties": properties}
        error = use(flavour, server.uri, main, timeoutms=300, **options)
        over.set()
    assert "timed out" in str(error)


@pytest.mark.parametrize("names", [VARIABLES[1:], VARIABLES[2:], ()])
def test_kubernetes(flavour, monkeypatch, tmp_path, names):
    """The first of the variables that is set says where the token is, else it is where it is."""
    for i, name in enumerate(reversed(VARIABLES[1:])):
        path = tmp_path / name
        path.write_text(f"token {i}\n")
        if name in names:
            monkeypatch.setenv(name, str(path))
    (tmp_path / "default").write_text("default token")
    monkeypatch.setattr(oidc, "KUBERNETES_TOKEN", str(tmp_path / "default"))
    expected = f"token {len(names) - 1}" if names else "default token"
    with OidcServer(expected) as server:
        log_in(flavour, server, ENVIRONMENT="k8s")
        assert server.said == [{"jwt": expected}]


def test_a_token_is_read_anew_each_time(flavour, monkeypatch, tmp_path):
    path = tmp_path / "token"
    monkeypatch.setenv("OIDC_TOKEN_FILE", str(path))
    for token in ("one", "two"):
        path.write_text(token)
        with OidcServer(token) as server:
            log_in(flavour, server, ENVIRONMENT="test")
            assert server.said == [{"jwt": token}]


def test_a_file_that_is_not_there(flavour, monkeypatch, tmp_path):
    with OidcServer("t") as server:
        with pytest.raises(OperationFailure, match="cannot be had"):
            log_in(flavour, server, ENVIRONMENT="k8s")
        with pytest.raises(ConfigurationError, match="OIDC_TOKEN_FILE"):
            log_in(flavour, server, ENVIRONMENT="test")
        (tmp_path / "empty").write_text("")
        monkeypatch.setenv("OIDC_TOKEN_FILE", str(tmp_path / "empty"))
        with pytest.raises(TypeError, match="not empty"):
            log_in(flavour, server, ENVIRONMENT="test")
