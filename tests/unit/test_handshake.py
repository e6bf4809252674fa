"""The client metadata of the handshake: contents, and never more than 512 bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bsonx
from mongodriver._version import __version__
from mongodriver.driver_info import DriverInfo
from mongodriver.options.client_metadata import (
    MAX_METADATA_SIZE,
    client_metadata,
    environment,
    faas_name,
)
from mongodriver.options.compressors import negotiate
from mongodriver.pool_options import PoolOptions

OS = {"type": "Linux", "name": "Linux", "architecture": "x86_64", "version": "6.1"}
LAMBDA = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}


def _metadata(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "appname": None,
        "drivers": [],
        "is_sync": True,
        "has_c": True,
        "os": OS,
        "platform": "CPython 3.11.7.final.0",
        "env": {},
        **changes,
    }
    return client_metadata(**arguments)


def test_what_a_plain_client_says() -> None:
    assert _metadata() == {
        "driver": {"name": "mongodriver|c", "version": f"{__version__}|"},
        "os": OS,
        "platform": "CPython 3.11.7.final.0",
    }


def test_segments_of_name_and_version_go_together() -> None:
    drivers = [DriverInfo("one", "1", "p"), DriverInfo("two")]
    metadata = _metadata(is_sync=False, drivers=drivers, appname="app")
    assert metadata["driver"] == {
        "name": "mongodriver|c|async|one|two",
        "version": f"{__version__}|||1|",
    }
    assert metadata["platform"] == "CPython 3.11.7.final.0|p"
    assert metadata["application"] == {"name": "app"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, None),
        (LAMBDA, "aws.lambda"),
        ({"AWS_EXECUTION_ENV": "EC2"}, None),
        ({"AWS_LAMBDA_RUNTIME_API": "x"}, "aws.lambda"),
        ({"FUNCTIONS_WORKER_RUNTIME": "python"}, "azure.func"),
        ({"K_SERVICE": "s"}, "gcp.func"),
        ({"FUNCTION_NAME": "s"}, "gcp.func"),
        ({"VERCEL": "1"}, "vercel"),
        ({**LAMBDA, "VERCEL": "1"}, "vercel"),
        ({**LAMBDA, "K_SERVICE": "s"}, None),
        ({"VERCEL": "1", "K_SERVICE": "s"}, None),
        ({"VERCEL": ""}, None),
    ],
)
def test_function_services(environ: dict[str, str], name: str | None) -> None:
    assert faas_name(environ) == name


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {**LAMBDA, "AWS_REGION": "us-east-2", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"},
            {"name": "aws.lambda", "region": "us-east-2", "memory_mb": 1024},
        ),
        ({**LAMBDA, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "big"}, {"name": "aws.lambda"}),
        ({**LAMBDA, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "9" * 12}, {"name": "aws.lambda"}),
        (
            {
                "K_SERVICE": "s",
                "FUNCTION_MEMORY_MB": "1024",
                "FUNCTION_TIMEOUT_SEC": "60",
                "FUNCTION_REGION": "us",
            },
            {"name": "gcp.func", "region": "us", "memory_mb": 1024, "timeout_sec": 60},
        ),
        ({"VERCEL": "1", "VERCEL_REGION": "cdg1"}, {"name": "vercel", "region": "cdg1"}),
        ({"KUBERNETES_SERVICE_HOST": "1"}, {"container": {"orchestrator": "kubernetes"}}),
        ({"CURSOR_AGENT": "1"}, {"agent": "cursor"}),
        ({"AI_AGENT": "other"}, {"agent": "other"}),
        ({"AI_AGENT": ""}, {}),
    ],
)
def test_environment(environ: dict[str, str], expected: dict[str, Any]) -> None:
    assert environment(environ, in_docker=False) == expected


def test_docker() -> None:
    assert environment({}, in_docker=True) == {"container": {"runtime": "docker"}}


def test_what_is_left_out_first() -> None:
    env = environment({**LAMBDA, "AWS_REGION": "r" * 500}, in_docker=True)
    metadata = _metadata(env=env)
    assert metadata["env"] == {"name": "aws.lambda"}
    assert metadata["os"] == OS
    crowded = _metadata(env=env, drivers=[DriverInfo("d", None, "p" * 340)])
    assert crowded["env"] == {"name": "aws.lambda"}
    assert crowded["os"] == {"type": "Linux"}
    full = _metadata(env=env, drivers=[DriverInfo("d", None, "p" * 600)])
    assert "env" not in full
    assert full["platform"].startswith("CPython 3.11.7.final.0|ppp")


words = st.text(alphabet="aé€😀", max_size=300)


@given(name=words, version=words, platform=words, app=words, region=words)
def test_never_more_than_512_bytes(
    name: str, version: str, platform: str, app: str, region: str
) -> None:
    app = app.encode()[:128].decode("utf-8", "ignore")
    metadata = _metadata(
        drivers=[DriverInfo(name, version, platform)],
        appname=app,
        env=environment({**LAMBDA, "AWS_REGION": region, "AI_AGENT": name}, in_docker=True),
    )
    assert len(bsonx.encode(metadata)) <= MAX_METADATA_SIZE
    assert metadata["driver"]["name"].startswith("mongodriver|c|")
    assert metadata["os"]["type"] == "Linux"
    if app:
        assert metadata["application"]["name"] == app


def test_libraries_are_appended_once() -> None:
    options = PoolOptions(driver=DriverInfo("one"))
    before = options.metadata
    options.append_metadata(DriverInfo("two", "2"))
    options.append_metadata(DriverInfo("two", "2"))
    options.append_metadata(DriverInfo("one"))
    assert before["driver"]["name"].endswith("|one")
    assert options.metadata["driver"]["name"].endswith("|one|two")
    options.append_metadata(DriverInfo("two", "3"))
    assert options.metadata["driver"]["name"].endswith("|one|two|two")
    assert options.driver == DriverInfo("one")


@pytest.mark.parametrize(
    ("offered", "accepted", "chosen"),
    [
        (["zlib", "snappy"], ["snappy", "zlib"], "snappy"),
        (["zlib"], ["snappy", "zlib"], "zlib"),
        (["zlib"], [], None),
        (["zlib"], None, None),
        ([], ["zlib"], None),
    ],
)
def test_the_compressor(offered: list[str], accepted: list[str] | None, chosen: str | None) -> None:
    assert negotiate(offered, accepted) == chosen
