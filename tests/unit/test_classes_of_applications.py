"""Applications' own classes of clients, databases, collections, cursors: what gives one of them."""

from __future__ import annotations

import importlib
from copy import copy, deepcopy
from types import SimpleNamespace

import pytest


def made(package: str, flavour: str) -> dict[str, object]:
    """An object of a subclass of each class."""
    prefix = "" if flavour == "synchronous" else "Async"

    def own(name: str, module: str) -> type:
        base = getattr(importlib.import_module(f"{package}.{flavour}.{module}"), prefix + name)
        return type(f"Own{name}", (base,), {})

    client = own("MongoClient", "mongo_client")("mongodb://h/e", connect=False)
    database = own("Database", "database")(client, "d")
    collection = own("Collection", "collection")(database, "c")
    cursor = own("Cursor", "cursor")(collection)
    return vars(SimpleNamespace(client=client, db=database, c=collection, cursor=cursor))


@pytest.fixture(scope="module", params=["synchronous", "asynchronous"])
def both(request):
    pytest.importorskip("pymongo", reason="PyMongo, the judge, is not installed")
    return [made(package, request.param) for package in ("mongodriver", "pymongo")]


@pytest.mark.parametrize(
    "expression",
    [
        *("client.x", "client['x']", "client.get_database('x')", "client.get_default_database()"),
        *("db.x", "db['x']", "db.get_collection('x')", "db.with_options()", "db.client"),
        *("c.x", "c['x']", "c.with_options()", "c.database", "c.find()", "c.find_raw_batches()"),
        *("cursor.clone()", "copy(cursor)", "deepcopy(cursor)", "cursor.limit(1)"),
    ],
)
def test_same_class_as_with_pymongo(both, expression):
    names = [
        type(eval(expression, {"copy": copy, "deepcopy": deepcopy, **known})).__name__
        for known in both
    ]
    assert names[0] == names[1]


def test_files_are_in_collections_of_the_drivers_class(both):
    import mongodriver.gridfs

    client = both[0]["client"]

    class Odd(type(both[0]["c"])):  # as Flask-PyMongo's
        def __getattr__(self, name):
            raise NotImplementedError(name)

    class OddDatabase(type(both[0]["db"])):
        def __getitem__(self, name):
            return Odd(self, name)

    prefix = "" if type(client).__mro__[1].__name__ == "MongoClient" else "Async"
    bucket = getattr(mongodriver.gridfs, f"{prefix}GridFSBucket")(OddDatabase(client, "d"))
    assert type(bucket.open_upload_stream("f")._coll.files).__name__ == f"{prefix}Collection"
    assert bucket._files.full_name == "d.fs.files"
