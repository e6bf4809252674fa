"""What PyMongo has and this driver not yet: a call says so, instead of something misleading."""

from __future__ import annotations

import pytest

from mongodriver import AsyncMongoClient, MongoClient


@pytest.fixture(params=[MongoClient, AsyncMongoClient])
def client(request):
    return request.param("mongodb://h/", connect=False)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda c: c.bulk_write([]), "bulk writes of a client are not supported"),
        (lambda c: c.watch([]), "change streams are not supported"),
        (lambda c: c.db.watch([]), "change streams are not supported"),
        (lambda c: c.db.t.watch(), "change streams are not supported"),
        (lambda c: c.db["a.b"].watch(), "change streams are not supported"),
    ],
)
def test_a_missing_method_says_so(client, call, why):
    with pytest.raises(NotImplementedError, match=why):
        call(client)


def test_other_names_are_still_databases_and_collections(client):
    assert client.watch.name == "watch"
    assert client.db.watch.name == "watch"
    with pytest.raises(TypeError, match=r"Database' object is not callable$"):
        client.other()
    with pytest.raises(TypeError, match="no such method exists"):
        client.db.other()
