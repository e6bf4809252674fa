"""Parsing connection strings, as PyMongo's; SRV answers come from a scripted resolver."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import OURS, THEIRS, assert_same, outcome

from mongodriver.errors import ConfigurationError, InvalidURI
from mongodriver.options.connection_string import parse

USER_INFO = [
    "a:b",
    "a",
    "a:",
    "a:b:c",
    ":b",
    "",
    "a@b:c",
    "a%40b:c%3Ad",
    "a+b:c+d",
    "a%ZZ:b",
    "a/b:c",
    "a:%",
    "%",
    "ü:ü",
]

HOSTS = [
    "a",
    "a:1",
    "A.B:2",
    "a:x",
    "a:0",
    "a:65536",
    "a:65535",
    "a:123456789",
    "a:-1",
    "a: 5",
    "a:1.5",
    "a:",
    ":5",
    "[::1]",
    "[::1]:5",
    "[::1]:99999",
    "[::1",
    "::1",
    "[::FFFF]",
    "[fe80::1%25eth0]:5",
    "a:b:c",
    "/tmp/x.sock",
    "/TMP/X.sock",
    "x.sock",
]

HOST_LISTS = [
    "a,b",
    "a,,b",
    "",
    ",",
    "a,",
    "A,a",
    "a:1,[::1]:2,/tmp/x.sock",
    "%2Ftmp%2FA.sock",
    "%2Ftmp%2FA.sock:5",
    "x%2Fy",
    "a%3A5",
    "[%3A%3A1]:5",
]

OPTIONS = [
    "w=1",
    "w=1&wtimeoutms=5",
    "w=1;journal=true",
    "w=1&journal=true;x=1",
    "",
    "w",
    "w=",
    "w==1",
    "a=b=c",
    "&",
    "w=1&",
    "w=1&w=2",
    "maxPoolSize=5&maxpoolsize=6",
    "maxPoolSize=x",
    "MAXPOOLSIZE=5",
    "bogus=1",
    "a%20b=c",
    "appname=a%20b",
    "appname=a+b",
    "appname=%zz",
    "w=%31",
    "w=-1",
    "ssl=true",
    "SSL=true",
    "ssl=x",
    "tls=true&ssl=true",
    "tls=true&ssl=false",
    "ssl=true&TLS=True",
    "tlsInsecure=true",
    "TLSINSECURE=true",
    "tlsInsecure=x&tls=true",
    "tlsInsecure=true&tlsAllowInvalidCertificates=true",
    "tlsInsecure=true&tlsAllowInvalidHostnames=false",
    "tlsAllowInvalidCertificates=true&tlsDisableOCSPEndpointCheck=false",
    "tlsAllowInvalidHostnames=true&tlsDisableOCSPEndpointCheck=true",
    "tlsCRLFile=/dev/null",
    "tlsCAFile=/nonexistent",
    "readPreferenceTags=a:b&readPreferenceTags=c:d",
    "readPreferenceTags=",
    "readPreferenceTags=&readpreferencetags=x",
    "readPreferenceTags=a%3Ab:c",
    "authSource=",
    "authSource=x",
    "authMechanismProperties=SERVICE_NAME:a%2Cb",
    "authMechanismProperties=CANONICALIZE_HOST_NAME:bogus",
    "authMechanismProperties=a:b&authMechanismProperties=c:d",
    "timeoutMS=100",
    "datetime_conversion=DATETIME_MS",
    "driver=x",
    "username=x",
    "replicaSet=",
    "compressors=zlib,snappy",
    " w=1 ",
    "w =1",
    "w= 1",
    "appname=a b",
    "appname=a b&w=1",
    "a b",
]

URIS = [
    "mongodb://",
    "mongodb://a",
    "mongodb://a/",
    "mongodb://a/b",
    "mongodb://a/b.c.d",
    "mongodb://a/?w=1",
    "mongodb://a?w=1",
    "mongodb://a,b:5/db?replicaSet=x",
    "mongodb://u:p@a/",
    "mongodb://u@a/db",
    "mongodb://u:@a",
    "mongodb://:p@a",
    "mongodb://u:p:q@a",
    "mongodb://u:p@q@a",
    "mongodb://a/d b",
    "mongodb://a/d%24b",
    "mongodb://a/.c",
    "mongodb://a/db.",
    "mongodb://a/a/b",
    "mongodb://a/a?w=1?j=2",
    "http://a",
    "",
    "MONGODB://a",
    "mongodb+srv://",
    "mongodb+srv://a,b",
    "mongodb+srv://a.b.c:5",
    "mongodb://a:70000",
    "mongodb://[::1]:5/",
    "mongodb://%2Ftmp%2Fa+b%2Bc.sock/",
    "mongodb://a+b.sock,%2Fa%zz.sock,a+b/",
    "mongodb://%2Ftmp%2Fmongodb-27017.sock/db?w=1",
    "mongodb:///tmp/x.sock/",
    "mongodb://a/?srvMaxHosts=1",
    "mongodb://a/?srvServiceName=x",
    "mongodb://a/?srvAllowedHostsSuffix=x",
    "mongodb://a,b/?directConnection=true",
    "mongodb://a,b/?loadBalanced=true",
    "mongodb://a/?loadBalanced=true&replicaSet=x",
    "mongodb://a/?loadBalanced=true&directConnection=true",
    "mongodb://a/?authSource=",
    "mongodb://a/?",
    "mongodb://a,/",
    "mongodb://a b/",
    "mongodb://a%20b/",
    "mongodb://u%:p@a",
    "mongodb://a/?maxPoolSize=x",
    "mongodb://a/b#c",
    "mongodb://a/%3F",
    'mongodb://u:p@a/"db"',
    "mongodb://localhost?authMechanismProperties=TOKEN_RESOURCE:mongodb://h1%2Ch2",
]


@pytest.mark.parametrize("text", USER_INFO)
def test_user_info(text: str) -> None:
    assert_same("uri_parser.parse_userinfo(text)", text=text)


@pytest.mark.parametrize("text", HOSTS)
def test_hosts(text: str) -> None:
    assert_same("uri_parser.parse_host(text)", text=text)
    assert_same("uri_parser.parse_host(text, None)", text=text)


@pytest.mark.parametrize("text", [*HOSTS, *HOST_LISTS])
def test_lists_of_hosts(text: str) -> None:
    assert_same("uri_parser.split_hosts(text)", text=text)
    assert_same("uri_parser.split_hosts(text, None)", text=text)


@pytest.mark.parametrize("flags", ["", ", warn=True", ", validate=False", ", normalize=False"])
@pytest.mark.parametrize("text", OPTIONS)
def test_options(text: str, flags: str) -> None:
    assert_same(f"uri_parser.split_options(text{flags})", text=text)


@pytest.mark.parametrize("flags", ["", ", warn=True", ", 5, validate=False", ", normalize=False"])
@pytest.mark.parametrize("uri", URIS)
def test_uris(uri: str, flags: str) -> None:
    assert_same(f"uri_parser.parse_uri(uri{flags})", uri=uri)


def test_a_slash_in_a_password_does_not_show_it() -> None:
    with pytest.raises(InvalidURI) as caught:
        parse("mongodb://user:pa/secret@host/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="Port contains") as port:
        parse("mongodb://user:secret/db")
    assert "secret" not in str(port.value)


def test_a_parsed_uri_does_not_show_its_secrets() -> None:
    parsed = parse("mongodb://user:secret@a/?authMechanismProperties=AWS_SESSION_TOKEN:secret")
    assert parsed.password == "secret"
    assert "secret" not in repr(parsed)


@given(st.text(alphabet="abA1:@/?&=%,;[]+. $\x00é", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse("mongodb://" + text)
    except (ConfigurationError, ValueError, TypeError):
        return
    assert parsed.nodes
    for host, port in parsed.nodes:
        assert "%" not in host or host.endswith(".sock") or ":" in host or "[" in text
        assert port is None or 0 < port < 65536


# What connection strings are put together of, in all ways.
_USERS = [
    *USER_INFO,
    "user:1234/",
    "user:PASS ",
    "u?x:p",
    "u:p?",
    "u#:p",
    "u:[p]",
    "a:b%2Fc",
    "user:p/w",
    "u:pa:s/s",
    "u: 5",
    "u:27017",
]
_HOSTS = [
    *HOSTS,
    *HOST_LISTS,
    "[::1]:",
    "[::1]x",
    "[::1]:x",
    "[]",
    "%5B::1%5D",
    "[::1%25]",
    "[::ffff:1.2.3.4]:7",
    "[fe80::1%eth0]",
    "[fe80::1%2525e]",
    "1.2.3.4",
    "a:007",
    "a:+5",
    "a:\u0663",
    "a b",
    "a,b:5,[::1]",
]
_PATHS = [
    *("", "/", "/db", "/db.c", "/d%20b", "/db.", "/.c", "/$db", '/"db"', "/a/b", "/db%2Fx"),
    *("/a,b", "/%", "/é", "/a@b", "/a:b"),
]
_FLAGS = ["", ", warn=True", ", validate=False", ", normalize=False", ", default_port=5"]


def _agree(uri: str, flags: str) -> bool:
    """Whether both give the same; only that PyMongo shows what may be part of a password."""
    expression = f"uri_parser.parse_uri(uri{flags})"
    ours, theirs = (outcome(expression, package, uri=uri) for package in (OURS, THEIRS))
    if ours.startswith(("InvalidURI: Bad database name", "InvalidURI: Username and password")):
        return theirs.startswith(("InvalidURI: Bad database name", ours))
    if ours.startswith("InvalidURI: Percent-encoding"):
        return theirs.startswith(ours)
    return ours == theirs


@pytest.mark.parametrize("seed", range(20))
def test_uris_put_together(seed: int) -> None:
    random = Random(seed)
    for _ in range(50):
        user = random.choice(_USERS) + "@" if random.random() < 0.5 else ""
        options = "?" + random.choice(OPTIONS) if random.random() < 0.7 else ""
        uri = f"mongodb://{user}{random.choice(_HOSTS)}{random.choice(_PATHS)}{options}"
        flags = random.choice(_FLAGS)
        assert _agree(uri, flags), (uri, flags)


@pytest.mark.parametrize("flags", _FLAGS[:4])
def test_names_of_options(flags: str) -> None:
    """`parse_uri` tells options by their canonical names, however they were spelled."""
    for option in OPTIONS:
        for spelled in (option, option.lower(), option.upper()):
            uri = "mongodb://h/?" + spelled
            assert _agree(uri, flags), (uri, flags)


def test_the_names_of_the_specification() -> None:
    assert_same("sorted(uri_parser.URI_OPTIONS)")


BASE = "mongodb+srv://t.build.10gen.cc"


def _srv(*hosts: str) -> list[Any]:
    pairs = [host.rsplit(":", 1) for host in hosts]
    return [
        SimpleNamespace(target=dns.name.from_text(name), port=int(port)) for name, port in pairs
    ]


def _txt(*records: list[str]) -> list[Any]:
    return [SimpleNamespace(strings=[text.encode() for text in strings]) for strings in records]


class _Answer(list[Any]):
    rrset = SimpleNamespace(ttl=60)


OK = _srv("a.build.10gen.cc:1", "b.build.10gen.cc:2")
ONE = _srv("a.build.10gen.cc:1")

Resolve = Callable[[Any, Any], list[tuple[str, str, float]]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Give both drivers the same answers; return a function that sets them."""

    def script(srv: Any, txt: Any = None) -> list[tuple[str, str, float]]:
        asked: list[tuple[str, str, float]] = []

        def resolve(name: Any, kind: str, lifetime: float | None = None) -> _Answer:
            asked.append((str(name), kind, lifetime or 0))
            answer = srv if kind == "SRV" else txt
            if answer is None:
                raise dns.resolver.NoAnswer
            if isinstance(answer, Exception):
                raise answer
            return _Answer(answer)

        monkeypatch.setattr(dns.resolver, "resolve", resolve)
        return asked

    return script


CASES: list[tuple[str, Any, Any]] = [
    (BASE, OK, None),
    (BASE + "/db?w=1", OK, None),
    (BASE + "/?ssl=false", OK, None),
    (BASE, _srv("a.other.cc:1"), None),
    (BASE, _srv("a.10gen.cc:1"), None),
    (BASE, _srv("xbuild.10gen.cc:1"), None),
    (BASE, _srv("build.10gen.cc:1"), None),
    (BASE, _srv("a.BUILD.10gen.cc:1"), None),
    (BASE, dns.resolver.NXDOMAIN(), None),
    (BASE, dns.exception.Timeout(), None),
    (BASE, OK, dns.exception.Timeout()),
    (BASE, OK, _txt(["authSource=x", "&replicaSet=y"])),
    (BASE, OK, _txt(["authSource=x"], ["replicaSet=y"])),
    (BASE, OK, _txt(["w=1"])),
    (BASE, OK, _txt(["authSource"])),
    (BASE, OK, _txt([""])),
    (BASE, OK, _txt(["AUTHSOURCE=x"])),
    (BASE, OK, _txt(["authSource="])),
    (BASE + "/?authSource=q", OK, _txt(["authSource=x"])),
    (BASE, ONE, _txt(["loadBalanced=true"])),
    (BASE, OK, _txt(["loadBalanced=true"])),
    (BASE + "/?srvMaxHosts=1", ONE, None),
    (BASE + "/?srvMaxHosts=1&replicaSet=x", OK, None),
    (BASE + "/?srvMaxHosts=1&loadBalanced=true", OK, None),
    (BASE + "/?srvMaxHosts=1", OK, _txt(["replicaSet=y"])),
    (BASE + "/?srvMaxHosts=0&replicaSet=x", OK, None),
    (BASE + "/?srvServiceName=foo", OK, None),
    (BASE + "/?directConnection=true", ONE, None),
    (BASE + "/?srvAllowedHostsSuffix=10gen.cc", _srv("a.zz.10GEN.cc:1"), None),
    (BASE + "/?srvAllowedHostsSuffix=.10gen.cc", _srv("a.zz.10gen.cc:1"), None),
    (BASE + "/?srvAllowedHostsSuffix=x.y", OK, None),
    (BASE + "/?srvAllowedHostsSuffix=com", OK, None),
    (BASE + "/?srvAllowedHostsSuffix=internal", _srv("a.internal:1"), None),
    (BASE + "/?srvAllowedHostsSuffix=", OK, None),
    ("mongodb+srv://1.2.3.4", OK, None),
    ("mongodb+srv://[::1]", OK, None),
    ("mongodb+srv://localhost", _srv("localhost:1"), None),
    ("mongodb+srv://localhost", _srv("x.localhost:1"), None),
    ("mongodb+srv://a.b", _srv("a.b:1"), None),
    ("mongodb+srv://a.b", _srv("x.a.b:1"), None),
    ("mongodb+srv://a.b", _srv("b:1"), None),
]


@pytest.mark.parametrize("flags", ["", ", validate=False"])
@pytest.mark.parametrize(("uri", "srv", "txt"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_srv(uri: str, srv: Any, txt: Any, flags: str, resolver: Resolve) -> None:
    if flags and "srvMaxHosts" in uri:
        pytest.skip("PyMongo compares the unchecked text with a number")
    asked = resolver(srv, txt)
    ours = outcome(f"uri_parser.parse_uri(uri{flags})", OURS, uri=uri)
    questions = asked.copy()
    asked.clear()
    assert ours == outcome(f"uri_parser.parse_uri(uri{flags})", THEIRS, uri=uri)
    assert questions == asked


@pytest.mark.parametrize(
    "arguments",
    [
        "srv_service_name='bar'",
        "srv_max_hosts=2, srv_service_name='bar'",
        "connect_timeout=3.0",
        "srv_allowed_hosts_suffix='10gen.cc'",
        "srv_allowed_hosts_suffix='com'",
        "srv_host_validator=lambda host: True",
        "srv_host_validator=lambda host: False",
        "srv_host_validator=lambda host: 1 / 0",
        "srv_host_validator=5",
        "srv_host_validator=len, srv_allowed_hosts_suffix='a.b'",
    ],
)
def test_srv_arguments(arguments: str, resolver: Resolve) -> None:
    resolver(_srv("a.zz.10gen.cc:1") if "10gen" in arguments or "valid" in arguments else ONE)
    assert_same(f"uri_parser.parse_uri(uri, {arguments})", uri=BASE)


@pytest.mark.parametrize(
    "suffix",
    [
        *("com", "co.uk", "CO.UK", "github.io", "com.au", "foo.ck", "*.ck", "x.kawasaki.jp"),
        *("city.kawasaki.jp", "kawasaki.jp", "a.co.uk", "s3.amazonaws.com", "test"),
        *("internal", "localhost", "lan", "nosuchtld", "a.nosuchtld", ".", "..", "com.", ".a.b."),
        *("cluster.local", "1.2.3.4", "公司.cn", "xn--55qx5d.cn", "XN--55QX5D.cn", "a.公司.cn"),
        *("bücher.de", "BÜCHER.de", "xn--bcher-kva.de", "faß.de", "個人.hk", "-.de"),
        *("a_b.de", "a。公司。cn", "x.xn--zzzzzzzz.de"),
    ],
)
def test_public_suffixes(suffix: str, resolver: Resolve) -> None:
    resolver(_srv(f"h.{suffix.strip('.') or 'x.y'}:1"))
    assert_same("uri_parser.parse_uri(uri)", uri=f"{BASE}/?srvAllowedHostsSuffix={suffix}")


def test_some_of_many_hosts_are_drawn(resolver: Resolve) -> None:
    resolver(_srv(*[f"h{i}.build.10gen.cc:1" for i in range(20)]))
    nodes = OURS.uri_parser.parse_uri(BASE + "/?srvMaxHosts=5")["nodelist"]
    assert len(set(nodes)) == 5


@pytest.mark.parametrize("uri", ["mongodb://u:p@a,b/db?w=1&readpreference=nearest", "bogus"])
def test_the_command_line(uri: str) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"{package}.uri_parser", uri],
            capture_output=True,
            text=True,
            check=False,
        )
        for package in ("mongodriver", "pymongo")
    ]
    assert said[0].stdout == said[1].stdout
    assert said[0].returncode == said[1].returncode
