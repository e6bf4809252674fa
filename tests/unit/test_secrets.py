"""Secrets are in no repr, no message and no warning, however a client is made or fails to be."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import ConfigurationError
from mongodriver.options.client_arguments import client_arguments
from mongodriver.options.connection_string import parse

SECRET = "s3cr3t"

CORRECT = [
    "mongodb://u:{}@h/",
    "mongodb://u:a,{}@h/db",
    "mongodb://u:{}@h/?authMechanism=PLAIN",
    "mongodb://h/?tlsCertificateKeyFilePassword={}",
    "mongodb://h/?tls=true&tlsCertificateKeyFilePassword={}",
    "mongodb://u:p@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{}",
]

#: Malformed, mistyped, or of what is not supported.
WRONG = [
    "mongo://u:{}@h",
    "u:{}@h",
    "u:{}@h:27017",
    "u:{}/@h",
    "//u:{}@h/",
    "mongodb:/u:{}@h",
    "mongodb://u:{}",
    "mongodb://u:{}%40h",
    "mongodb://u:{}%40h/db",
    "mongodb://u:{}%40h:27017/db",
    "mongodb://u:{}%23h:27017/db",
    "mongodb://u:1,{}%40h",
    "mongodb://u:1,{}%40h:27017",
    "mongodb://u:%40{}",
    "mongodb://:{}@h",
    "mongodb://u:{}@h,",
    "mongodb://u:{}@h:x/",
    "mongodb://u:{}@h/a b",
    "mongodb://u:{}@[::1",
    "mongodb://u:{}%@h/",
    "mongodb://u:{}%zz@h/",
    "mongodb://u:{}:x@h/",
    "mongodb://u:{}@x@h/",
    "mongodb://u:{}/x@h:1/",
    "mongodb://u:a/{}@h",
    "mongodb://u:a/{}$x",
    "mongodb://u:a?{}@h/",
    "mongodb://u:a?x={}@h/",
    "mongodb://u:a?{}=1&@h/",
    "mongodb://u:{}.sock%zz/",
    "mongodb+srv://u:{}@a.b.test:1",
    "mongodb+srv://u:{}%40a.b.test",
    "mongodb+srv://u:{}@a.b.test/",
    "mongodb://u:{}@h/?timeoutMS=1",
    "mongodb://u:{}@h/?w=x&bogus=1",
    "mongodb://u:{}@h/?a",
    "mongodb://h/?authMechanismProperties={}",
    "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:a,{}",
    "mongodb://h/?tlsCertificateKeyFilePassword={}&tls=false",
    "mongodb://h/?tlsCertificateKeyFilePassword={}=x",
    "mongodb://h/?tlsCertificateKeyFilePassword={};a=1&b=2",
    "mongodb://h/?proxyPassword={}",
    "mongodb://h/?password={}",
]

KEYWORDS: list[dict[str, Any]] = [
    {"username": "u", "password": SECRET},
    {"password": SECRET},
    {"username": "u", "password": SECRET.encode()},
    {"username": "u", "password": [SECRET]},
    {"username": "u", "password": SECRET, "authMechanism": "MONGODB-X509"},
    {"username": "u", "password": SECRET, "authMechanism": "MONGODB-OIDC"},
    {"username": "u", "password": SECRET, "authMechanism": "GSSAPI", "authSource": "x"},
    {"authMechanismProperties": {"AWS_SESSION_TOKEN": SECRET}},
    {"authMechanismProperties": {"AWS_SESSION_TOKEN": SECRET.encode()}},
    {"authMechanismProperties": {"OIDC_CALLBACK": SECRET}},
    {"authMechanismProperties": SECRET},
    {"tls": True, "tlsCertificateKeyFilePassword": SECRET},
    {"tls": False, "tlsCertificateKeyFilePassword": SECRET},
    {"tlsCertificateKeyFilePassword": SECRET.encode()},
    {"tlsCertificateKeyFilePassword": [SECRET]},
    {"proxyPassword": SECRET},
    {"proxyUsername": "u", "proxyPassword": SECRET, "proxyHost": "h"},
]


def chain(exc: BaseException | None) -> Iterator[str]:
    """What an exception and those behind it show."""
    while exc is not None:
        yield f"{exc} {exc!r} {exc.args!r}"
        exc = exc.__cause__ or exc.__context__


def shown(client: Any) -> list[str]:
    """Everything of a client that is made for printing."""
    options = client.options
    things = [
        client,
        client.db,
        client.db.collection,
        client.db.collection.find(),
        client.start_session(),
        client.topology_description,
        options,
        options.pool_options,
        options.pool_options.metadata,
        options._credentials,
        client._core,
        client._core.topology,
    ]
    return [text for thing in things for text in (str(thing), repr(thing))]


def told(make: Callable[[], Any]) -> list[str]:
    """All that is shown of a client, or of the failure to make one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            texts = shown(make())
        except Exception as exc:
            texts = list(chain(exc))
    return texts + [str(warning.message) for warning in caught]


@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
@pytest.mark.parametrize("uri", CORRECT + WRONG)
def test_a_connection_string_gives_nothing_away(uri, kind):
    texts = told(lambda: kind(uri.format(SECRET), connect=False))
    assert texts
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("kind", [MongoClient, AsyncMongoClient])
@pytest.mark.parametrize("keywords", KEYWORDS)
def test_keyword_arguments_give_nothing_away(keywords, kind):
    texts = told(lambda: kind("h", connect=False, **keywords))
    assert texts
    assert not [text for text in texts if SECRET in text]


def test_the_password_of_the_key_is_redacted():
    client = MongoClient("h", connect=False, tls=True, tlsCertificateKeyFilePassword=SECRET)
    assert "tlscertificatekeyfilepassword='<redacted>'" in repr(client)
    assert client.options._options["tlsCertificateKeyFilePassword"] == SECRET


def test_a_wrong_password_of_the_key_is_not_told(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("no key")
    options = {"tlsCertificateKeyFile": str(path), "tlsCertificateKeyFilePassword": SECRET}
    with pytest.raises(ConfigurationError) as caught:
        MongoClient("h", connect=False, tls=True, **options)
    assert not [text for text in chain(caught.value) if SECRET in text]


@pytest.mark.parametrize("uri", CORRECT)
def test_what_is_made_on_the_way_gives_nothing_away(uri):
    text = uri.format(SECRET)
    parsed = parse(text)
    arguments = client_arguments(text, 27017, None, None, None, None, {"password": SECRET})
    assert SECRET not in repr(parsed)
    assert SECRET not in repr(arguments)


def test_the_line_an_unclosed_client_was_made_in_is_told_without_its_password():
    client = MongoClient("mongodb://user:s3cr3t@127.0.0.1:1/")
    with pytest.warns(ResourceWarning, match="//<redacted>@127.0.0.1:1/") as caught:
        del client
        gc.collect()
    assert SECRET not in str(caught[0].message)
