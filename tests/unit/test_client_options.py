"""The checks of options, and options gathered, as PyMongo's."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from oracle import OURS, THEIRS, assert_same, outcome

from implementations import RESPONDERS
from mongodriver import common
from mongodriver.client_options import ClientOptions
from mongodriver.errors import ConfigurationError, InvalidURI
from mongodriver.options.connection_string import combine
from mongodriver.options.uri_options import CaseInsensitiveDict

pytestmark = pytest.mark.usefixtures("no_authorities")

VALUES = [
    "None",
    "True",
    "False",
    "0",
    "1",
    "-1",
    "5",
    "9",
    "10",
    "91",
    "-2",
    "10**10",
    "10**9 - 1",
    "0.0",
    "1.5",
    "-1.5",
    "float('nan')",
    "''",
    "'a'",
    "'1'",
    "'0'",
    "'-1'",
    "'1.5'",
    "'true'",
    "'false'",
    "'True'",
    "'1e3'",
    "'inf'",
    "' 5 '",
    "'5s'",
    "b'1'",
    "[]",
    "['a']",
    "{}",
    "{'a': 1}",
    "{'a': 'b'}",
    "()",
    "('x',)",
    "len",
    "dict",
    "list",
    "OrderedDict",
    "dict[str, int]",
    "raw_bson.RawBSONDocument",
    "'primary'",
    "'secondary'",
    "'standard'",
    "'pythonLegacy'",
    "'strict'",
    "'ignore'",
    "'backslashreplace'",
    "'auto'",
    "'poll'",
    "'POLL'",
    "'SCRAM-SHA-1'",
    "'SERVICE_NAME:x'",
    "'SERVICE_NAME'",
    "'SERVICE_NAME:'",
    "'SERVICE_NAME:a,x'",
    "'A:b,C:d'",
    "'SERVICE_NAME:x,CANONICALIZE_HOST_NAME:true'",
    "'CANONICALIZE_HOST_NAME:bogus'",
    "'CANONICALIZE_HOST_NAME:forwardAndReverse'",
    "'TOKEN_RESOURCE:a:b,ENVIRONMENT:test'",
    "'AWS_SESSION_TOKEN:a%2Bb'",
    "{'SERVICE_NAME': 'x', 'CANONICALIZE_HOST_NAME': True}",
    "{'OIDC_CALLBACK': 1}",
    "{'ALLOWED_HOSTS': ['a']}",
    "{'ALLOWED_HOSTS': ('a',)}",
    "{'ALLOWED_HOSTS': 'a'}",
    "{'ALLOWED_HOSTS': None}",
    "'dc:ny'",
    "'dc:ny,rack:1'",
    "'dc:a:b'",
    "['dc:ny', 'dc:sf', '']",
    "'snappy'",
    "'zlib,snappy'",
    "'zlib,bogus'",
    "['zlib']",
    "'DATETIME'",
    "'DATETIME_MS'",
    "'datetime'",
    "'3'",
    "timezone.utc",
    "'x' * 129",
    "'x' * 128",
    "'é' * 65",
    "codec_options.TypeRegistry()",
    "read_preferences.Secondary()",
    "driver_info.DriverInfo('a')",
    "'/dev/null'",
    "'/nonexistent'",
]

# PyMongo looks these up in a set or dict: its text is about hashing, not about the option.
LOOKED_UP = {"validate_server_monitoring_mode", "validate_uuid_representation"}
UNHASHABLE = ("[", "{", "codec_options.TypeRegistry", "read_preferences.Secondary")


VALIDATORS = sorted(
    name
    for name in vars(common)
    if name.startswith("validate_") and not name.startswith("validate_ok")
)


@pytest.mark.parametrize("name", VALIDATORS)
def test_validators(name: str) -> None:
    for value in VALUES:
        if name in LOOKED_UP and value.startswith(UNHASHABLE):
            continue
        try:
            assert_same(
                f"common.{name}('opt', {value})",
                OrderedDict=OrderedDict,
                timezone=datetime.timezone,
            )
        except AssertionError as error:
            raise AssertionError(f"{name}({value}): {error}") from None


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        "{'a': 1}",
        "{'$set': 1}",
        "{'a': 1, '$set': 1}",
        "{'$set': 1, 'a': 1}",
        "[]",
        "[{}]",
        "({},)",
        "None",
        "1",
        "'x'",
        "son.SON(a=1)",
        "raw_bson.RawBSONDocument(b'\\x05\\0\\0\\0\\0')",
    ],
)
@pytest.mark.parametrize("name", ["validate_ok_for_update", "validate_ok_for_replace"])
def test_documents_of_updates(name: str, value: str) -> None:
    assert_same(f"common.{name}({value})")


@pytest.mark.parametrize(
    "expression",
    [
        "common.validate('MaxPoolSize', '5')",
        "common.validate('bogus', '5')",
        "common.validate('maxpoolsiz', '5')",
        "common.validate('retrywrits', '5')",
        "common.raise_config_error('foo')",
        "common.raise_config_error('foo', ['a', 'b'])",
        "common.partition_node('a:5')",
        "common.partition_node('[::1]:5')",
        "common.partition_node('a:b')",
        "common.clean_node('A:5')",
        "common.redact_auth_mechanism_properties_for_repr({'SERVICE_NAME': 'a', "
        "'AWS_SESSION_TOKEN': 's', 'x': 1})",
        "common.redact_auth_mechanism_properties_for_repr(5)",
        "common._UUID_REPRESENTATIONS",
        "common.WRITE_CONCERN_OPTIONS",
        "common.TIMEOUT_OPTIONS",
        # PyMongo has neither proxies nor spans nor trio nor serverSelectionFailFast.
        "sorted(n for n in common.VALIDATORS if 'proxy' not in n and 'failfast' not in n"
        " and n not in ('tracing', 'trio_nursery'))",
        "[n for n in sorted(common.URI_OPTIONS_VALIDATOR_MAP)"
        " if 'proxy' not in n and 'failfast' not in n]",
        "sorted(common.KW_VALIDATORS)",
        "common.BaseObject(1, 2, 3, 4)",
    ],
)
def test_common(expression: str) -> None:
    assert_same(expression)


@pytest.mark.parametrize("warn", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"maxPoolSize": "5"},
        {"maxPoolSize": "5", "bogus": 1},
        {"maxPoolSize": "x"},
        {"TLS": "true", "readPreference": "x"},
        {"appname": 1},
        {"ssl": True},
        {"wtimeout": 5},
        {"authMechanismProperties": "CANONICALIZE_HOST_NAME:bogus"},
        {"authMechanismProperties": "foo:bar"},
        {"retryWrite": True},
    ],
    ids=str,
)
def test_validated_options(options: dict[str, Any], warn: bool) -> None:
    assert_same("common.get_validated_options(options, warn)", options=options, warn=warn)


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "1.2.3-pre-",
        "1.2.3-",
        "1.2-rc1+4",
        "1.2+",
        "1.2.3-4-gabc",
        "1.2.3-beta1",
        "4.20.0.dev0",
        "a.b",
        "1.2.3a",
        "",
    ],
)
def test_versions(text: str) -> None:
    assert_same("common.Version.from_string(text)", text=text)


@pytest.mark.parametrize(
    "expression",
    [
        "common.Version(1, 2)",
        "str(common.Version(1, 2, 3, 4))",
        "common.Version(1, 2) >= common.Version(1, 10)",
        "common.Version(1, 2).at_least(1, 1)",
        "common.Version.from_version_array([4, 0, 0, -49])",
        "common.Version.from_version_array([1])",
    ],
)
def test_versions_otherwise(expression: str) -> None:
    assert_same(expression)


def test_options_ignore_case_and_remember_it() -> None:
    options = CaseInsensitiveDict({"Ab": 1}, cd=2)
    assert options["aB"] == 1
    assert "AB" in options
    assert 5 not in options
    assert list(options) == ["ab", "cd"]
    assert options.cased() == {"Ab": 1, "cd": 2}
    options["AB"] = 3
    assert options.cased_key("ab") == "AB"
    assert options == {"aB": 3, "CD": 2}
    assert options != {"aB": 3}
    assert options.pop("cD") == 2
    del options["ab"]
    assert len(options) == 0


def test_keyword_arguments_override_the_uri() -> None:
    options = combine({"w": 1, "appname": "uri"}, {"W": "3", "ssl": True, "tlsInsecure": True})
    assert options["w"] == 3
    assert options["appname"] == "uri"
    assert options["tls"] is True
    assert options["tlsAllowInvalidHostnames"] is True


@pytest.mark.parametrize(
    ("uri_options", "keywords", "error"),
    [
        ({}, {"bogus": 1}, ConfigurationError),
        ({}, {"maxPoolSize": "x"}, ValueError),
        ({}, {"appname": 1}, TypeError),
        ({"tls": True}, {"ssl": False}, InvalidURI),
        ({"tlsInsecure": True}, {"tlsAllowInvalidCertificates": True}, InvalidURI),
        ({}, {"tlsCRLFile": "/dev/null", "tlsAllowInvalidCertificates": True}, InvalidURI),
    ],
)
def test_contradicting_arguments(
    uri_options: dict[str, Any], keywords: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        combine(uri_options, keywords)


READ = [
    "auto_encryption_opts",
    "codec_options",
    "connect",
    "direct_connection",
    "enable_overload_retargeting",
    "event_listeners",
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
    "server_selector",
    "timeout",
    "write_concern",
    *[
        f"pool_options.{name}"
        for name in (
            "appname",
            "connect_timeout",
            "driver",
            "load_balanced",
            "max_connecting",
            "max_idle_time_seconds",
            "max_pool_size",
            "min_pool_size",
            "non_default_options",
            "pause_enabled",
            "server_api",
            "socket_timeout",
            "tls_allow_invalid_hostnames",
            "wait_queue_timeout",
        )
    ],
    "pool_options._ssl_context is None",
]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"w": 1},
    {"w": "majority", "wtimeoutms": 5, "journal": True},
    {"w": 0, "journal": True},
    {"journal": True, "fsync": True},
    {"readPreference": "secondary"},
    {"readPreference": "secondary", "readPreferenceTags": [{"a": "b"}], "maxStalenessSeconds": 95},
    {"readPreference": "primary", "readPreferenceTags": [{"a": "b"}]},
    {"maxStalenessSeconds": 95},
    {"readConcernLevel": "majority"},
    {"maxPoolSize": 5},
    {"maxPoolSize": 0, "minPoolSize": 5},
    {"maxPoolSize": None, "minPoolSize": 5},
    {"minPoolSize": 200},
    {"maxConnecting": 3, "maxIdleTimeMS": 5.0, "waitQueueTimeoutMS": 1.5},
    {"waitQueueMultiple": 3},
    {"connectTimeoutMS": None, "socketTimeoutMS": 3.0},
    {"serverSelectionTimeoutMS": 3.0, "heartbeatFrequencyMS": 0.5, "localThresholdMS": 5},
    {"appname": "x", "replicaSet": "rs", "directConnection": True},
    {"loadBalanced": True},
    {"retryWrites": False, "retryReads": False, "timeoutMS": 0.1},
    {"serverMonitoringMode": "poll", "connect": False, "server_selector": len},
    {"tls": True},
    {"tls": True, "tlsAllowInvalidHostnames": True},
    {"tls": True, "tlsAllowInvalidCertificates": True},
    {"tlsAllowInvalidCertificates": True},
    {"tlsAllowInvalidCertificates": False},
    {"tlsDisableOCSPEndpointCheck": False},
    {"tlsCertificateKeyFilePassword": "x"},
    {"tls": False, "tlsAllowInvalidHostnames": True},
    {"tls": False, "tlsAllowInvalidHostnames": False, "tlsCAFile": "/dev/null"},
    {"tls": False, "tlsCRLFile": "/dev/null", "tlsCertificateKeyFilePassword": "x"},
    {"tz_aware": True, "tzinfo": datetime.UTC},
    {"tzinfo": datetime.UTC},
    {"uuidRepresentation": 4, "unicode_decode_error_handler": "ignore", "datetime_conversion": 2},
    {"maxAdaptiveRetries": 5},
    {"maxAdaptiveRetries": 5, "max_adaptive_retries": 4},
    {"enableOverloadRetargeting": True},
    {"enable_overload_retargeting": True},
]


def _read(package: SimpleNamespace, options: dict[str, Any], attribute: str) -> str:
    made = "client_options.ClientOptions(None, None, None, options)"
    given = package.common._CaseInsensitiveDictionary(options)
    return outcome(f"{made}.{attribute}", package, options=given)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_client_options(options: dict[str, Any]) -> None:
    if options.get("tlsDisableOCSPEndpointCheck") is False and not RESPONDERS:
        pytest.skip("no responder can be asked here")
    for attribute in READ:
        assert _read(OURS, options, attribute) == _read(THEIRS, options, attribute), attribute


USERS = [
    (None, None, None),
    (None, "p", None),
    ("u", None, None),
    ("u", "p", None),
    ("u", "p", "db"),
    ("u", "", "db"),
    ("", "p", None),
]

MECHANISMS: list[dict[str, Any]] = [
    {},
    {"authSource": "src"},
    {"authMechanism": "DEFAULT", "authSource": "src"},
    {"authMechanism": "SCRAM-SHA-256"},
    {"authMechanism": "SCRAM-SHA-1", "authMechanismProperties": {"x": "y"}},
    {"authMechanism": "PLAIN"},
    {"authMechanism": "MONGODB-X509"},
    {"authMechanism": "MONGODB-X509", "authSource": "x"},
    {"authMechanism": "MONGODB-X509", "authSource": "$external"},
    {"authMechanism": "GSSAPI"},
    {"authMechanism": "GSSAPI", "authSource": "x"},
    {
        "authMechanism": "GSSAPI",
        "authMechanismProperties": {
            "SERVICE_NAME": "o",
            "CANONICALIZE_HOST_NAME": "true",
            "SERVICE_REALM": "R",
            "SERVICE_HOST": "h",
        },
    },
    *[
        {"authMechanism": "GSSAPI", "authMechanismProperties": {"CANONICALIZE_HOST_NAME": value}}
        for value in (True, False, "none", "forward", "forwardAndReverse", "bogus", "")
    ],
    {"authMechanism": "MONGODB-AWS"},
    {"authMechanism": "MONGODB-AWS", "authSource": "x"},
    {"authMechanism": "MONGODB-AWS", "authMechanismProperties": {"AWS_SESSION_TOKEN": "t"}},
    *[
        {"authMechanism": "MONGODB-OIDC", "authMechanismProperties": properties}
        for properties in (
            {},
            {"ENVIRONMENT": "test"},
            {"ENVIRONMENT": "azure"},
            {"ENVIRONMENT": "azure", "TOKEN_RESOURCE": "r"},
            {"ENVIRONMENT": "gcp"},
            {"ENVIRONMENT": "k8s"},
            {"ENVIRONMENT": "bogus"},
            {"ALLOWED_HOSTS": ["a"], "ENVIRONMENT": "test"},
        )
    ],
]

PROPERTIES = ["service_name", "canonicalize_host_name", "service_realm", "service_host"]
PROPERTIES += ["aws_session_token", "environment", "token_resource", "username", "allowed_hosts"]


@pytest.mark.parametrize("options", MECHANISMS, ids=str)
@pytest.mark.parametrize("user", USERS, ids=str)
def test_credentials(user: tuple[Any, Any, Any], options: dict[str, Any]) -> None:
    expression = """[(c.mechanism, c.source, c.username, c.password,
        [(n, getattr(c.mechanism_properties, n, None)) for n in names])
        for c in [client_options.ClientOptions(*user, options).pool_options._credentials] if c]"""

    def run(package: SimpleNamespace) -> str:
        given = package.common._CaseInsensitiveDictionary(options)
        return outcome(
            " ".join(expression.split()), package, user=user, options=given, names=PROPERTIES
        )

    assert run(OURS) == run(THEIRS)


CALLBACKS: list[dict[str, Any]] = [
    {"OIDC_CALLBACK": True},
    {"OIDC_HUMAN_CALLBACK": True},
    {"OIDC_CALLBACK": True, "OIDC_HUMAN_CALLBACK": True},
    {"OIDC_CALLBACK": True, "ENVIRONMENT": "test"},
    {"OIDC_HUMAN_CALLBACK": True, "ENVIRONMENT": "azure"},
    {"OIDC_CALLBACK": True, "TOKEN_RESOURCE": "r"},
    {"OIDC_CALLBACK": True, "ALLOWED_HOSTS": ["a"]},
    {"OIDC_HUMAN_CALLBACK": True, "ALLOWED_HOSTS": ["a"]},
    *(
        {"OIDC_HUMAN_CALLBACK": True, "ALLOWED_HOSTS": hosts}
        for hosts in ([], [None], "a", ("a",), {"a": 1}, None, 5, b"a")
    ),
    {"ENVIRONMENT": "azure", "TOKEN_RESOURCE": "r", "ALLOWED_HOSTS": []},
]


@pytest.mark.parametrize("properties", CALLBACKS, ids=str)
@pytest.mark.parametrize("user", USERS, ids=str)
def test_credentials_of_callbacks(user: tuple[Any, Any, Any], properties: dict[str, Any]) -> None:
    """Callbacks are of a class of the package's own."""

    def run(package: SimpleNamespace) -> str:
        base = package.auth_oidc.OIDCCallback
        callback = type("Callback", (base,), {"fetch": print, "__repr__": lambda self: "it"})()
        given = {name: callback if v is True else v for name, v in properties.items()}
        options = {"authMechanism": "MONGODB-OIDC", "authMechanismProperties": given}
        expression = (
            "[(c.mechanism, c.source, c.username, [(n, getattr(c.mechanism_properties, n)) for n "
            "in names]) for c in [client_options.ClientOptions(*user, common."
            "_CaseInsensitiveDictionary(options)).pool_options._credentials]]"
        )
        names = ["callback", "human_callback", *PROPERTIES[5:]]
        return outcome(expression, package, user=user, options=options, names=names)

    assert run(OURS) == run(THEIRS)


def test_credentials_hide_their_secrets() -> None:
    options = {
        "authMechanism": "MONGODB-AWS",
        "authMechanismProperties": {"AWS_SESSION_TOKEN": "token-secret"},
    }
    credential = ClientOptions("u", "password-secret", None, options)._credentials
    assert "secret" not in repr(credential)


def test_plain_dicts_are_options_too() -> None:
    assert ClientOptions(None, None, None, {"maxPoolSize": 7}).pool_options.max_pool_size == 7
