"""MONGODB-AWS with AWS's own library: what it finds is used, and looked for again if that fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws_server import KEY, KEY_ID, TOKEN, AwsServer
from core_kit import Find, use
from http_services import HttpService
from mongodriver.errors import OperationFailure
from mongodriver.identity import aws

pytest.importorskip("botocore", reason="the package botocore is not installed (extra aws)")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Nothing of this machine's counts, and nothing is kept."""
    import os

    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")
    aws.forget()
    yield
    aws.forget()


async def find(client: Any) -> Any:
    return await client.execute(Find("b"))


def log_in(flavour: str, server: AwsServer) -> Any:
    return use(flavour, server.uri + "?authMechanism=MONGODB-AWS", find, retryreads=False)


def profile(path: Any, key: str = KEY) -> None:
    path.write_text(
        f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {key}\n"
        f"[other]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = other\n"
    )


def test_a_profile(flavour, tmp_path):
    profile(tmp_path / "credentials")
    with AwsServer() as server:
        assert log_in(flavour, server) == []


def test_a_failed_login_has_it_look_again(flavour, monkeypatch, tmp_path):
    profile(tmp_path / "credentials")
    monkeypatch.setenv("AWS_PROFILE", "other")
    with AwsServer() as server:
        with pytest.raises(OperationFailure) as caught:
            log_in(flavour, server)
        assert caught.value.code == 18
        monkeypatch.delenv("AWS_PROFILE")
        assert log_in(flavour, server) == []


def test_the_environment_comes_first(flavour, monkeypatch, tmp_path):
    profile(tmp_path / "credentials", "another")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    with AwsServer() as server:
        assert log_in(flavour, server) == []


def test_a_container_is_asked_once(flavour, monkeypatch):
    expires = datetime.now(UTC) + timedelta(hours=1)
    answer = {
        "AccessKeyId": KEY_ID,
        "SecretAccessKey": KEY,
        "Token": TOKEN,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    with HttpService(lambda asked: json.dumps(answer)) as service, AwsServer() as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url + "/x")
        for _ in range(2):
            assert log_in(flavour, server) == []
        assert server.logins[0]["t"] == TOKEN
        assert len(service.requests) == 1


def test_where_there_are_none(flavour):
    with AwsServer() as server, pytest.raises(OperationFailure, match="botocore finds none"):
        log_in(flavour, server)


def test_what_the_library_raises(flavour, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "unheard-of")
    with AwsServer() as server, pytest.raises(OperationFailure, match="unheard-of"):
        log_in(flavour, server)
