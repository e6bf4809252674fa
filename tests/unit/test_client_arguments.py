"""What clients make of their arguments: options in URIs, as keywords, and both, as PyMongo does."""

from __future__ import annotations

import datetime
import re
import warnings
from random import Random
from typing import Any
from urllib.parse import quote_plus

import pymongo
import pytest
from oracle import normal

import mongodriver
from implementations import RESPONDERS

#: Of each option, values that are right and values that are wrong in different ways.
VALUES: dict[str, list[Any]] = {
    "appname": ["a", "x" * 129, "", 5, None, "a b"],
    "authMechanism": [
        *("SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN", "GSSAPI", "MONGODB-X509", "MONGODB-AWS"),
        *("MONGODB-OIDC", "DEFAULT", "bogus", "scram-sha-1", None, 5),
    ],
    "authMechanismProperties": [
        *("SERVICE_NAME:x", "CANONICALIZE_HOST_NAME:true", "bogus:x", "AWS_SESSION_TOKEN:t"),
        *("ENVIRONMENT:test", "ENVIRONMENT:azure,TOKEN_RESOURCE:a", ""),
        {"SERVICE_NAME": "y"},
        {"x": 1},
    ],
    "authSource": ["db", "", "$external", "admin", None, 5],
    "authoidcallowedhosts": [None, "x"],
    "auto_encryption_opts": [None, 5],
    "compressors": ["zlib", "snappy,zlib", "bogus", "", "zlib,bogus", ["zlib"], None],
    "connect": [True, False, "true", "x", None],
    "connectTimeoutMS": [0, 5, "5", "x", -1, None, 1.5, True, "0"],
    "datetime_conversion": ["DATETIME", "datetime", "DATETIME_MS", "3", "9", 1, "x"],
    "directConnection": [True, False, "true", "false", "x", None],
    "document_class": [dict, 5, list],
    "driver": [None, 5],
    "enableOverloadRetargeting": [True, "false", "x"],
    "event_listeners": [[], [1], None, 5],
    "fsync": [True, False, "true", "x"],
    "heartbeatFrequencyMS": [500, 499, "1000", 0, None, "x", -5],
    "journal": [True, False, "x"],
    "loadBalanced": [True, False, "x"],
    "localThresholdMS": [0, 5, -1, "1.5", "x", None],
    "maxAdaptiveRetries": [0, 5, -1, "x"],
    "max_adaptive_retries": [3],
    "maxConnecting": [1, 0, "3", None],
    "maxIdleTimeMS": [0, 5, None, "x"],
    "maxPoolSize": [0, 1, None, "5", -1, "x"],
    "maxStalenessSeconds": [-1, 0, 90, 120, "x", None, 1.5],
    "minPoolSize": [0, 5, 200, -1, None, "3"],
    "password": ["p", "", None, 5],
    "readConcernLevel": ["majority", "x", "", None, 5],
    "readPreference": ["primary", "secondary", "nearest", "PRIMARY", "x", None, 5],
    "readPreferenceTags": ["a:b", "a:b,c:d", "", "x", None, ["a:b", ""]],
    "read_preference": [None, 5],
    "replicaSet": ["rs", "", None, 5],
    "retryReads": [True, False, "x"],
    "retryWrites": [True, False, "TRUE"],
    "server_api": [None, 5],
    "server_selector": [len, None, 5],
    "serverMonitoringMode": ["auto", "poll", "stream", "x", None],
    "serverSelectionTimeoutMS": [0, 5, -1, None, "x"],
    "socketTimeoutMS": [0, 5, None, "x"],
    "srv_host_validator": [None, 5],
    "srvAllowedHostsSuffix": [5],
    "srvMaxHosts": [0, 1, -1, "x"],
    "srvServiceName": [5],
    "ssl": [True, False, "true", "x"],
    "timeoutMS": [0, 5, -1, "x", None, "5"],
    "tls": [True, False, "false", "x"],
    "tlsAllowInvalidCertificates": [True, False, "x"],
    "tlsAllowInvalidHostnames": [True, False],
    "tlsCAFile": ["/nonexistent", ""],
    "tlsCRLFile": ["/nonexistent"],
    "tlsCertificateKeyFile": ["/nonexistent"],
    "tlsCertificateKeyFilePassword": ["s", 5, None],
    "tlsDisableOCSPEndpointCheck": [True, False],
    "tlsInsecure": [True, False, "x"],
    "type_registry": [None, 5],
    "tz_aware": [True, False, "x"],
    "tzinfo": [None, 5],
    "unicode_decode_error_handler": ["ignore", "x"],
    "username": ["u", "", None, 5],
    "uuidRepresentation": ["standard", "x", 4],
    "w": [0, 1, "majority", "2", -1, "", None, True, 1.5],
    "waitQueueMultiple": [0, None, "x"],
    "waitQueueTimeoutMS": [0, 5, None, "x"],
    "wTimeoutMS": [0, 5, -1, "x", None],
    "zlibCompressionLevel": [-1, 9, 10, "5", "x"],
}
pytestmark = pytest.mark.usefixtures("no_authorities")

UNKNOWN = {"bogusOption": ["x"], "serverSelectionTryOnce": [True], "retryWrite": [True]}
TLS = [name for name in VALUES if name.startswith("tls") or name == "ssl"]

READ = [
    *(
        f"options.{name}"
        for name in (
            "connect",
            "direct_connection",
            "enable_overload_retargeting",
            "heartbeat_frequency",
            "load_balanced",
            "local_threshold_ms",
            "max_adaptive_retries",
            "read_concern",
            "read_preference",
            "replica_set_name",
            "retry_reads",
            "retry_writes",
            "server_monitoring_mode",
            "server_selection_timeout",
            "timeout",
            "write_concern",
            "codec_options",
        )
    ),
    *(
        f"options.pool_options.{name}"
        for name in (
            "appname",
            "connect_timeout",
            "load_balanced",
            "max_connecting",
            "max_idle_time_seconds",
            "max_pool_size",
            "min_pool_size",
            "non_default_options",
            "socket_timeout",
            "tls_allow_invalid_hostnames",
            "wait_queue_timeout",
            "_ssl_context is None",
            "_compression_settings.zlib_compression_level",
        )
    ),
    "list(options.pool_options._compression_settings.compressors)",
    "default_database",
]

_HOSTS = re.compile(r"host=\[.*?'\](?=, )")
_SECRET = re.compile(r"(?<=tlscertificatekeyfilepassword=')[^']*")
#: Refused with an error that says so, while PyMongo takes it and does nothing.
_REFUSED = re.compile("ConfigurationError: The .* option is (not supported yet|only allowed with)")


def _shown(client: Any) -> list[str]:
    """The parts of a client's repr. PyMongo orders hosts, and implied options, by chance."""
    text = _SECRET.sub("<redacted>", normal(repr(client)))[:-1]
    hosts = _HOSTS.search(text)
    assert hosts is not None
    found = sorted(hosts.group().split("'")[1::2])
    return [*found, *sorted(re.split(r", (?=\w+=)", _HOSTS.sub("", text)))]


def _default_database(client: Any) -> str:
    try:
        return str(client.get_default_database().name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _made(kind: type, args: Any, keywords: dict[str, Any]) -> list[Any]:
    """What a client is like, or the error there was, and then the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = kind(*args, connect=keywords.pop("connect", False), **keywords)
        except Exception as error:
            found: list[Any] = [normal(f"{type(error).__name__}: {error}")]
        else:
            names = {"options": client.options, "default_database": _default_database(client)}
            found = [*_shown(client), *(normal(repr(eval(text, names))) for text in READ)]
    texts = {normal(f"{w.category.__name__}: {w.message}") for w in caught}
    return [*found, sorted(texts)]


def _asks_responders(text: str) -> bool:
    return text.startswith("ConfigurationError: tlsDisableOCSPEndpointCheck=False needs ")


def assert_alike(args: Any, keywords: dict[str, Any]) -> None:
    if keywords.get("connect"):
        keywords = {**keywords, "connect": False}  # nobody is there
    ours = _made(mongodriver.MongoClient, args, dict(keywords))
    theirs = _made(pymongo.MongoClient, args, dict(keywords))
    if _REFUSED.match(ours[0]) or (_asks_responders(ours[0]) and not RESPONDERS):
        return
    assert ours == theirs, (args, keywords)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else quote_plus(str(value))


def _has_text(value: Any) -> bool:
    return isinstance(value, (str, int, float))


ALL = {**VALUES, **UNKNOWN}


@pytest.mark.parametrize("option", ALL)
def test_an_option_as_a_keyword(option: str) -> None:
    for value in ALL[option]:
        if option == "srvMaxHosts" and value not in (0, 1):
            continue  # PyMongo says first that it is for other URIs
        assert_alike(("mongodb://h/",), {option: value})
        assert_alike(("h",), {option.upper(): value})


@pytest.mark.parametrize("option", ALL)
def test_an_option_of_a_uri(option: str) -> None:
    for value in filter(_has_text, ALL[option]):
        assert_alike((f"mongodb://h/?{option}={_text(value)}",), {})
        assert_alike((f"mongodb://h/?{option.lower()}={_text(value)}",), {})


@pytest.mark.parametrize("option", VALUES)
def test_an_option_given_twice(option: str) -> None:
    """The keyword counts, right or wrong."""
    random = Random(option)
    for value in filter(_has_text, VALUES[option]):
        keywords = {option: random.choice(VALUES[option])}
        assert_alike((f"mongodb://h/?{option}={_text(value)}",), keywords)


@pytest.mark.parametrize("seed", range(40))
def test_options_put_together(seed: int) -> None:
    random = Random(seed)
    for _ in range(30):
        count = random.choice([2, 2, 3, 4])
        names = random.sample(TLS, 2) if random.random() < 0.4 else random.sample([*VALUES], count)
        if "srvMaxHosts" in names:
            continue
        text, keywords = [], {}
        for name in names:
            value = random.choice(VALUES[name])
            if random.random() < 0.5 and _has_text(value):
                text.append(f"{name}={_text(value)}")
            else:
                keywords[name] = value
        user = random.choice(["", "", "u:p@", "u@"])
        host = random.choice(["h", "h,i", "h:5", "[::1]", "%2Ftmp%2Fa.sock", "h,i:4"])
        database = random.choice(["", "db"])
        options = f"?{'&'.join(text)}" if text else ""
        assert_alike((f"mongodb://{user}{host}/{database}{options}",), keywords)


@pytest.mark.parametrize(
    "host",
    [
        ["mongodb://a", "mongodb://b"],
        ["mongodb://a", "x/b"],
        ["mongodb://a", "b:5"],
        ["b", "mongodb://a/?w=1"],
        [],
        [""],
        "",
        ["a,b"],
        "a,b",
        ("a",),
        {"a"},
        "/tmp/x.sock",
        "%2Ftmp%2Fx.sock",
        ["/tmp/x.sock"],
        ["mongodb://%2Ftmp%2Fx.sock"],
        "[::1]:5",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]:5",
        "fe80::1",
        "a/b",
        "mongodb://",
        "a:99999",
        "A:5",
    ],
    ids=str,
)
@pytest.mark.parametrize("keywords", [{}, {"port": 9}, {"port": "9"}], ids=str)
def test_hosts(host: Any, keywords: dict[str, Any]) -> None:
    assert_alike((host,), keywords)


FAULTS = {
    "codec options": {"tzinfo": datetime.UTC},
    "credential": {"username": "u"},
    "pool": {"minPoolSize": 200},
    "tls": {"tls": False, "tlsCAFile": "/dev/null"},
    "read preference": {"readPreferenceTags": "a:b"},
    "write concern": {"w": 0, "journal": True},
    "topology": {"heartbeatFrequencyMS": 499},
    "value": {"serverSelectionTimeoutMS": None},
    "combination": {"loadBalanced": True, "replicaSet": "x"},
}


@pytest.mark.parametrize("one", FAULTS)
def test_the_fault_that_is_told(one: str) -> None:
    for other in FAULTS:
        assert_alike(("h",), {**FAULTS[one], **FAULTS[other]})


def test_a_client_of_a_name_in_dns_that_is_not_looked_up_yet() -> None:
    for host in ("mongodb+srv://u:p@a.b.test/db", ["mongodb+srv://a.b.test", "h:5"]):
        for keywords in ({}, {"srvServiceName": "x"}, {"srvMaxHosts": "2"}, {"replicaSet": "rs"}):
            clients = [
                kind(host, connect=False, **keywords)
                for kind in (mongodriver.MongoClient, pymongo.MongoClient)
            ]
            ours, theirs = (normal(repr(client)) for client in clients)
            assert ours.replace("tls=True, ", "").replace(", tls=True", "") == theirs
