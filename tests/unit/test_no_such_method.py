"""A name that is no method is a database or a collection: a call of it says what is wrong."""

from __future__ import annotations

import pytest

from mongodriver import AsyncMongoClient, MongoClient


@pytest.fixture(params=[MongoClient, AsyncMongoClient])
def client(request):
    return request.param("mongodb://h/", connect=False)


def test_calls_of_databases_and_collections(client):
    with pytest.raises(TypeError, match=r"Database' object is not callable$"):
        client.other()
    with pytest.raises(TypeError, match="no such method exists"):
        client.db.other()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("find_on", "find_one"),
        ("insertMany", "insert_many"),
        ("agregate", "aggregate"),
        ("update", "update_one"),
        ("save", "replace_one"),
        ("xyz", None),
    ],
)
def test_the_nearest_method_of_a_collection(client, name, meant):
    kind = type(client.db.t).__name__
    with pytest.raises(TypeError) as info:
        getattr(client.db.t, name)({})
    first = (
        f"'{kind}' object is not callable. If you meant to call the '{name}' method on a "
        f"'{kind}' object it is failing because no such method exists."
    )
    assert str(info.value) == first + (f" Did you mean '{meant}'?" if meant else "")


def test_the_nearest_methods_of_databases_and_clients(client):
    with pytest.raises(TypeError, match=r"no such method exists\. Did you mean 'command'\?$"):
        client.db.comand({})
    with pytest.raises(TypeError, match=r"Database' object is not callable\. Did you mean 'lis"):
        client.list_database_nam()
    with pytest.raises(TypeError, match=r"no such method exists\.$"):
        client.db.save({})  # nothing of a collection
