"""connection-string, uri-options, read-write-concern and auth: the specifications' own tests."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest

from implementations import RESPONDERS
from mongodriver import MongoClient
from mongodriver.client_options import ClientOptions
from mongodriver.errors import ConfigurationError, InvalidURI
from mongodriver.options.connection_string import ParsedURI, parse
from mongodriver.read_concern import ReadConcern
from mongodriver.write_concern import WriteConcern
from specs import spec_cases, spec_folder

# How PyMongo stores options that the specification names otherwise.
_SECONDS = {
    "connecttimeoutms",
    "heartbeatfrequencyms",
    "maxidletimems",
    "serverselectiontimeoutms",
    "sockettimeoutms",
    "timeoutms",
    "waitqueuetimeoutms",
}


def _parse(uri: str) -> tuple[ParsedURI, list[str]]:
    """Parse as the client does: wrong options are warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parsed = parse(uri, warn=True)
    return parsed, [str(warning.message) for warning in caught]


def _check_hosts(parsed: ParsedURI, hosts: list[dict[str, Any]]) -> None:
    assert len(parsed.nodes) == len(hosts)
    for (host, port), expected in zip(parsed.nodes, hosts, strict=True):
        is_path = host.endswith(".sock")
        assert host == (expected["host"] if is_path else expected["host"].lower())
        if is_path:
            assert port is None
        else:
            assert port == (expected["port"] or 27017)


def _check_auth(parsed: ParsedURI, auth: dict[str, Any]) -> None:
    assert parsed.username == auth["username"]
    # An empty password is none.
    assert parsed.password == (auth["password"] or None)
    database = auth["db"]
    if database is not None and parsed.collection is not None:
        assert f"{parsed.database}.{parsed.collection}" == database
    else:
        assert parsed.database == database


def _expected(name: str, value: Any) -> Any:
    if name in ("connecttimeoutms", "sockettimeoutms") and value == 0:
        return None
    return value / 1000 if name in _SECONDS and isinstance(value, (int, float)) else value


def _check_options(parsed: ParsedURI, options: dict[str, Any]) -> None:
    for name, value in options.items():
        lower = name.lower()
        assert parsed.options[lower] == _expected(lower, value), name


@pytest.mark.parametrize("test", spec_cases("connection-string"))
def test_connection_string(test: dict[str, Any]) -> None:
    if not test["valid"]:
        with pytest.raises((InvalidURI, ConfigurationError, ValueError)):
            _parse(test["uri"])
        return
    parsed, caught = _parse(test["uri"])
    if test["warning"]:
        assert caught
    else:
        assert not caught
    if test["hosts"] is not None:
        _check_hosts(parsed, test["hosts"])
    if test["auth"] is not None:
        _check_auth(parsed, test["auth"])
    if test["options"] is not None:
        _check_options(parsed, test["options"])


def _in_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the relative paths of certificates in the tests find the specification's files."""
    folder = spec_folder("uri-options")
    assert folder is not None
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("test", spec_cases("uri-options"))
def test_uri_options(test: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _in_specs(monkeypatch)
    both = ("tlsDisableCertificateRevocationCheck=", "tlsDisableOCSPEndpointCheck=false")
    if not RESPONDERS and all(part in test["uri"] for part in both):
        pytest.skip("refused as the specification has it, but for want of a responder")
    if "snappy" in (test["options"] or {}).get("compressors", ()):
        pytest.importorskip("snappy")  # left out with a warning without
    if not test["valid"]:
        with pytest.raises((InvalidURI, ConfigurationError, ValueError)):
            parsed, _ = _parse(test["uri"])
            ClientOptions(parsed.username, parsed.password, parsed.database, parsed.options)
            MongoClient(test["uri"], connect=False)  # judges what concerns SRV names
        return
    parsed, caught = _parse(test["uri"])
    assert bool(caught) is bool(test["warning"])
    if test["options"]:
        _check_options(parsed, test["options"])


def _options_of(uri: str) -> ClientOptions:
    parsed, _ = _parse(uri)
    return ClientOptions(parsed.username, parsed.password, parsed.database, parsed.options)


@pytest.mark.parametrize("test", spec_cases("read-write-concern/connection-string"))
def test_concern_of_connection_string(test: dict[str, Any]) -> None:
    if not test["valid"]:
        with pytest.raises((ConfigurationError, ValueError)):
            parsed = parse(test["uri"])
            ClientOptions(None, None, None, parsed.options)
        return
    options = _options_of(test["uri"])
    if "readConcern" in test:
        assert options.read_concern.document == test["readConcern"]
    if "writeConcern" in test:
        assert options.write_concern == _write_concern(test["writeConcern"])


def _write_concern(document: dict[str, Any]) -> WriteConcern:
    return WriteConcern(document.get("w"), document.get("wtimeoutMS"), document.get("journal"))


@pytest.mark.parametrize("test", spec_cases("read-write-concern/document"))
def test_concern_document(test: dict[str, Any]) -> None:
    if "readConcern" in test:
        read_concern = ReadConcern(test["readConcern"].get("level"))
        assert read_concern.document == test["readConcernDocument"]
        assert (read_concern == ReadConcern()) is test["isServerDefault"]
        return
    if not test["valid"]:
        with pytest.raises((ConfigurationError, ValueError)):
            _write_concern(test["writeConcern"])
        return
    write_concern = _write_concern(test["writeConcern"])
    assert write_concern.document == test["writeConcernDocument"]
    assert write_concern.is_server_default is test["isServerDefault"]
    assert write_concern.acknowledged is test["isAcknowledged"]


@pytest.mark.parametrize("test", spec_cases("auth/legacy"))
def test_auth(test: dict[str, Any]) -> None:
    if not test["valid"]:
        with pytest.raises((InvalidURI, ConfigurationError, ValueError)):
            parsed = parse(test["uri"])
            ClientOptions(parsed.username, parsed.password, parsed.database, parsed.options)
        return
    credential = _options_of(test["uri"])._credentials
    expected = test["credential"]
    if expected is None:
        assert credential is None
        return
    assert credential is not None
    assert credential.username == expected["username"]
    assert credential.password == expected["password"]
    assert credential.source == expected["source"]
    assert credential.mechanism == (expected["mechanism"] or "DEFAULT")
    properties = expected["mechanism_properties"] or {}
    for name, value in properties.items():
        assert getattr(credential.mechanism_properties, name.lower()) == value, name


def test_the_files_are_found_where_they_are_said_to_be() -> None:
    if not os.environ.get("MONGODB_SPECS"):
        pytest.skip("MONGODB_SPECS is not set")
    assert spec_folder("connection-string") is not None
