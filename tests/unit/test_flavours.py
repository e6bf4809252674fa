"""Synchronous classes made of asynchronous ones: each method keeps what people see of it."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import re

import pytest

from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.asynchronous.client_session import AsyncClientSession
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.asynchronous.command_cursor import AsyncCommandCursor
from mongodriver.asynchronous.cursor import AsyncCursor
from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.client_session import ClientSession
from mongodriver.collection import Collection
from mongodriver.command_cursor import CommandCursor
from mongodriver.cursor import Cursor
from mongodriver.database import Database
from mongodriver.gridfs import (
    AsyncGridFS,
    AsyncGridFSBucket,
    AsyncGridIn,
    AsyncGridOut,
    GridFS,
    GridFSBucket,
    GridIn,
    GridOut,
)
from mongodriver.options.option_names import URI_OPTIONS
from mongodriver.options.unsupported import REFUSED
from mongodriver.options.uri_options import VALIDATORS

PAIRS = [
    (AsyncMongoClient, MongoClient),
    (AsyncDatabase, Database),
    (AsyncCollection, Collection),
    (AsyncCursor, Cursor),
    (AsyncCommandCursor, CommandCursor),
    (AsyncClientSession, ClientSession),
    (AsyncGridFS, GridFS),
    (AsyncGridFSBucket, GridFSBucket),
    (AsyncGridIn, GridIn),
    (AsyncGridOut, GridOut),
]


def _methods():
    for twin, cls in PAIRS:
        for name, method in vars(twin).items():
            if not name.startswith("_") and inspect.isfunction(method) and name in vars(cls):
                yield pytest.param(method, cls, name, id=f"{cls.__name__}.{name}")


@pytest.mark.parametrize(("method", "cls", "name"), list(_methods()))
def test_a_synchronous_method_shows_what_it_takes(method, cls, name):
    made = getattr(cls, name)
    if made is method:  # nothing in it is asynchronous
        return
    if name != "next":  # written by hand: it is the iterator's
        assert made.__doc__ == method.__doc__
    expected = str(inspect.signature(method)).replace("Async", "")
    if name == "with_transaction":  # its callback is a coroutine function in one flavour only
        expected = expected.replace("Awaitable[T]", "T")
    assert str(inspect.signature(made)).replace("Async", "") == expected
    assert "Async" not in str(inspect.signature(made))
    assert not any("Async" in str(text) for text in made.__annotations__.values())
    assert not inspect.iscoroutinefunction(made)
    assert not inspect.iscoroutinefunction(inspect.unwrap(made))
    assert made.__qualname__ == f"{cls.__name__}.{name}"
    assert made.__module__ == cls.__module__
    assert pydoc.plain(pydoc.render_doc(made)).count(name) >= 1


@pytest.mark.parametrize("cls", [MongoClient, AsyncMongoClient])
def test_help_for_clients_lists_the_options(cls):
    listed = set(re.findall(r"``(\w+)``", inspect.getdoc(cls.__init__)))
    assert {name.lower() for name in listed} == {*VALIDATORS} - {*REFUSED}
    # In the spelling of the specification.
    assert {name for name in URI_OPTIONS if name.lower() in VALIDATORS} <= listed
    assert f"``{min(listed)}``" in pydoc.plain(pydoc.render_doc(cls))


def test_methods_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(Collection.find_one)) is Collection.find_one


def test_wrong_calls_name_the_synchronous_method():
    collection = MongoClient(connect=False).db.c
    with pytest.raises(TypeError, match=r"^Collection\.insert_one\(\) missing 1 required"):
        collection.insert_one()
    with pytest.raises(TypeError, match=r"^Collection\.insert_one\(\) got an unexpected keyword"):
        collection.insert_one({}, bogus=1)


@pytest.mark.parametrize(("twin", "cls"), PAIRS)
def test_each_public_class_is_one_class(twin, cls):
    """No mixins: what a class can do stands in it, what it is in one base."""
    for made in (twin, cls):
        bases = [base.__name__ for base in made.__mro__ if base.__module__.startswith("mongod")]
        assert len(bases) <= 3, bases
    for base in twin.__mro__[1:]:
        public = [
            name
            for name, value in vars(base).items()
            if inspect.iscoroutinefunction(value) and not name.startswith("_")
        ]
        assert public == []
