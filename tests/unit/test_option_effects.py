"""Every option of a client is acted on, or refused with an error that names it: none is ignored."""

from __future__ import annotations

import ast
import datetime
import functools
import gc
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mongodriver
from bsonx.codec_options import TypeDecoder, TypeRegistry
from bsonx.son import SON
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.client import settings
from mongodriver.driver_info import DriverInfo
from mongodriver.errors import ConfigurationError, InvalidURI
from mongodriver.io import tls
from mongodriver.monitoring import CommandListener
from mongodriver.options.unsupported import REFUSED
from mongodriver.options.uri_options import URI_OPTIONS_VALIDATOR_MAP, VALIDATORS
from mongodriver.read_preferences import Nearest
from mongodriver.sdam.topology_description import TopologySettings
from mongodriver.server_api import ServerApi

SOURCE = Path(mongodriver.__file__).parent


class Listener(CommandListener):
    def started(self, event):
        pass

    succeeded = failed = started


class Upper(TypeDecoder):
    bson_type = str

    def transform_bson(self, value):
        return value.upper()


#: Of the topology's settings, what is there only to be looked at.
TOLD = {"fqdn", "server_selection_timeout", "srv_service_name", "server_monitoring_mode"}

LOGIN = {"username": "u", "password": "p"}
TLS = {"tls": True}
PROXY = {"proxyHost": "proxy.test", "proxyUsername": "u", "proxyPassword": "p"}

#: A value that makes a difference, and what else must be given for it to make one.
ACTED_ON: dict[str, tuple[Any, dict[str, Any]]] = {
    "appname": ("app", {}),
    "authmechanism": ("SCRAM-SHA-1", LOGIN),
    "authmechanismproperties": ("SERVICE_NAME:x", {**LOGIN, "authMechanism": "GSSAPI"}),
    "authsource": ("db", LOGIN),
    "compressors": ("zlib", {}),
    "connect": (False, {}),
    "connecttimeoutms": (5, {}),
    "datetime_conversion": ("DATETIME_MS", {}),
    "directconnection": (True, {}),
    "document_class": (SON, {}),
    "driver": (DriverInfo("lib", "1"), {}),
    "enable_overload_retargeting": (True, {}),
    "enableoverloadretargeting": (True, {}),
    "event_listeners": ([Listener()], {}),
    "fsync": (True, {}),
    "heartbeatfrequencyms": (600, {}),
    "journal": (True, {}),
    "loadbalanced": (True, {}),
    "localthresholdms": (5, {}),
    "max_adaptive_retries": (7, {}),
    "maxadaptiveretries": (7, {}),
    "maxconnecting": (3, {}),
    "maxidletimems": (50, {}),
    "maxpoolsize": (5, {}),
    "maxstalenessseconds": (100, {"readPreference": "nearest"}),
    "minpoolsize": (5, {}),
    "password": ("other", LOGIN),
    "proxyhost": ("proxy.test", {}),
    "proxypassword": ("other", PROXY),
    "proxyport": (5, PROXY),
    "proxyusername": ("other", PROXY),
    "read_preference": (Nearest(), {}),
    "readconcernlevel": ("majority", {}),
    "readpreference": ("nearest", {}),
    "readpreferencetags": ("dc:ny", {"readPreference": "nearest"}),
    "replicaset": ("rs", {}),
    "retryreads": (False, {}),
    "retrywrites": (False, {}),
    "server_api": (ServerApi("1"), {}),
    "server_selector": (lambda servers: servers, {}),
    "servermonitoringmode": ("poll", {}),
    "serverselectionfailfast": (False, {}),
    "serverselectiontimeoutms": (5, {}),
    "sockettimeoutms": (5, {}),
    "ssl": (True, {}),
    "tls": (True, {}),
    "tlsallowinvalidcertificates": (True, TLS),
    "tlsallowinvalidhostnames": (True, TLS),
    "tlscafile": ("/dev/null", TLS),
    "tlscertificatekeyfile": ("/dev/null", TLS),
    "tlscertificatekeyfilepassword": ("secret", TLS),
    "tlscrlfile": ("/dev/null", TLS),
    "tlsdisableocspendpointcheck": (True, TLS),
    "tlsinsecure": (True, TLS),
    "type_registry": (TypeRegistry([Upper()]), {}),
    "timeoutms": (5, {}),
    "tracing": ({"enabled": True}, {}),
    "tz_aware": (True, {}),
    "tzinfo": (datetime.UTC, {"tz_aware": True}),
    "unicode_decode_error_handler": ("ignore", {}),
    "username": ("other", LOGIN),
    "uuidrepresentation": ("standard", {}),
    "w": (2, {}),
    "waitqueuetimeoutms": (5, {}),
    "wtimeoutms": (5, {}),
    "zlibcompressionlevel": (5, {"compressors": "zlib"}),
}

#: Of optional libraries: tests/driver/test_encryption.py, tests/core/test_trio.py.
ELSEWHERE = {"auto_encryption_opts", "trio_nursery"}

#: Option, value, and how the error calls it.
REFUSED_VALUES = [
    ("authOIDCAllowedHosts", ["*.test"], "authOIDCAllowedHosts"),
    ("waitQueueMultiple", 5, "waitQueueMultiple"),
    ("srvServiceName", "x", "srvServiceName"),
    ("srvMaxHosts", 2, "srvMaxHosts"),
    ("srvAllowedHostsSuffix", "a.test", "srvAllowedHostsSuffix"),
    ("srv_host_validator", callable, "srv_host_validator"),
]


@pytest.fixture
def contexts(monkeypatch):
    """What TLS contexts are made of: they do not tell it themselves."""
    made: list[dict[str, Any]] = []

    def make_context(**arguments):
        made.append(arguments)
        return None if not arguments else "context"

    def make_tls(context, ask_responders):
        made.append({"ask_responders": ask_responders})
        return SimpleNamespace(context=context)

    monkeypatch.setattr(tls, "make_context", make_context)
    monkeypatch.setattr(tls, "make_tls", make_tls)
    return made


def slots(thing: Any) -> dict[str, Any]:
    """The attributes of a value object, but for functions made for it alone."""
    if thing is None:
        return {}
    return {
        name: slots(value) if hasattr(type(value), "__slots__") and name == "limits" else value
        for name in type(thing).__slots__
        if name not in ("hello_command", "topology_id")
        for value in [getattr(thing, name)]
    }


def effects(client: Any, contexts: list[Any]) -> str:
    """What the core works with."""
    core = client._core
    options = core.options
    connector = core.topology._make_server._connector
    topology = settings.topology_settings(options, [("h", 1)])
    return repr(
        (
            slots(settings.pool_settings(options)),
            slots(settings.executor_settings(options)),
            slots(settings.monitor_settings(options, connector.hello_command)),
            {
                name: getattr(topology, name)
                for name in vars(topology).keys() - {"topology_id", *TOLD}
            },
            slots(connector._connect_options),
            slots(connector._connect_options.proxy),
            connector._handshake_command(),
            (connector._compressors, connector._zlib_level, connector._api),
            (options._credentials, getattr(options._credentials, "password", None)),
            bool(core.observer.commands),
            (client.codec_options, client.read_preference, client.write_concern),
            client.read_concern,
            core.topology.state,
            contexts,
        )
    )


def made_by(kind: type, contexts: list[Any], *args: Any, **kwargs: Any) -> str:
    contexts.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kind(*args, **kwargs)
        try:
            return effects(client, contexts)
        finally:
            client._core.topology.abort()
            client._core.topology.close()
            client._core._housekeeper.stop()


def test_every_option_is_listed_here():
    refused = {option.lower() for option, _, _ in REFUSED_VALUES}
    assert ACTED_ON.keys() | refused | ELSEWHERE == VALIDATORS.keys()
    assert not ACTED_ON.keys() & refused
    assert refused >= REFUSED.keys()


@pytest.mark.parametrize("option", sorted(ACTED_ON))
@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_an_option_makes_a_difference(option, kind, contexts):
    value, others = ACTED_ON[option]
    if option == "connect" and kind is AsyncMongoClient:
        pytest.skip("documented: an asynchronous client connects at its first use")
    if option == "tracing":
        pytest.importorskip("opentelemetry")
    uri = "mongodb://127.0.0.1:1/"
    without = made_by(kind, contexts, uri, **others)
    assert made_by(kind, contexts, uri, **others) == without
    given = {**others, option: value}
    assert made_by(kind, contexts, uri, **given) != without


AS_TEXT = sorted(
    option
    for option in ACTED_ON.keys() & URI_OPTIONS_VALIDATOR_MAP.keys()
    if isinstance(ACTED_ON[option][0], (str, int))
)


@pytest.mark.parametrize("option", AS_TEXT)
def test_an_option_of_a_connection_string_makes_a_difference(option, contexts):
    value, others = ACTED_ON[option]
    text = str(value).lower() if isinstance(value, bool) else value
    uri = "mongodb://127.0.0.1:1/"
    without = made_by(MongoClient, contexts, uri, **others)
    others = {name: value for name, value in others.items() if name.lower() != option}
    assert made_by(MongoClient, contexts, f"{uri}?{option}={text}", **others) != without


@pytest.mark.parametrize(("option", "value", "name"), REFUSED_VALUES)
@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
def test_an_option_that_would_do_nothing_is_refused(option, value, name, kind):
    with pytest.raises(ConfigurationError, match=name):
        kind("mongodb://h/", connect=False, **{option: value})


@pytest.mark.parametrize(
    "option",
    [
        "waitQueueMultiple=5",
        "srvServiceName=x",
        "srvMaxHosts=2",
        "srvAllowedHostsSuffix=a.test",
    ],
)
def test_an_option_of_a_connection_string_is_refused(option):
    name = option.rpartition("&")[2].partition("=")[0]
    with pytest.raises(ConfigurationError, match=name):
        MongoClient(f"mongodb://h/?{option}", connect=False)


@pytest.mark.parametrize(
    "options",
    [
        {"auto_encryption_opts": None},
        {"waitQueueMultiple": None},
        {"tlsDisableOCSPEndpointCheck": True, "tls": True},
        {"tlsInsecure": False},
        {"srvMaxHosts": 0},
    ],
)
def test_asking_for_nothing_is_not_refused(options):
    MongoClient("mongodb://h/", connect=False, **options)


SETTINGS = [
    settings.PoolSettings,
    settings.ExecutorSettings,
    settings.MonitorSettings,
    TopologySettings,
]


@functools.cache
def attributes_read() -> set[str]:
    """The names of all attributes that modules read, but those that declare settings."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8"))
        for path in SOURCE.rglob("*.py")
        if path.name != "settings.py"
    )
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_is_read_somewhere(kind):
    names = kind.__slots__ if hasattr(kind, "__slots__") else vars(kind([]))
    assert set(names) - TOLD <= attributes_read()


# -- options that contradict each other --


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("?ssl=true", {"tls": False}),
        ("?tls=true", {"ssl": False}),
        ("", {"ssl": True, "tls": False}),
        ("?tlsInsecure=true", {"tlsAllowInvalidHostnames": True}),
        ("", {"tlsInsecure": True, "tlsAllowInvalidCertificates": True}),
        ("", {"tlsAllowInvalidCertificates": True, "tlsDisableOCSPEndpointCheck": True}),
        ("", {"tlsCRLFile": "/dev/null", "tlsInsecure": True}),
    ],
)
def test_tls_options_that_contradict_each_other(uri, options):
    with pytest.raises(InvalidURI):
        MongoClient(f"mongodb://h/{uri}", connect=False, **options)


@pytest.mark.parametrize(
    ("uri", "options", "expected"),
    [
        ("?ssl=true", {"ssl": False}, False),
        ("?tls=true", {"tls": False}, False),
        ("?ssl=false", {"ssl": True}, True),
        ("", {"ssl": True, "tls": True}, True),
    ],
)
def test_a_keyword_overrides_the_connection_string(uri, options, expected):
    client = MongoClient(f"mongodb://h/{uri}", connect=False, **options)
    assert (client.options.pool_options._ssl_context is not None) is expected


def test_insecure_means_what_it_says(contexts):
    MongoClient("mongodb://h/?tls=true", connect=False, tlsInsecure=True)
    MongoClient("mongodb://h/?tls=true&tlsInsecure=true", connect=False)
    for made in contexts[::2]:
        assert made["allow_invalid_certificates"] is True
        assert made["allow_invalid_hostnames"] is True
    assert contexts[1::2] == [{"ask_responders": False}] * 2
    gc.collect()
