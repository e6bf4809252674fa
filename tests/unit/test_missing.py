"""What PyMongo has and this driver not yet: a call says so, instead of something misleading."""

from __future__ import annotations

import pytest

from mongodriver import AsyncMongoClient, MongoClient


@pytest.fixture(params=[MongoClient, AsyncMongoClient])
def client(request):
    return request.param("mongodb://h/", connect=False)


def test_a_missing_method_says_so(client):
    with pytest.raises(NotImplementedError, match="bulk writes of a client are not supported"):
        client.bulk_write([])


def test_other_names_are_still_databases_and_collections(client):
    assert client.bulk_write.name == "bulk_write"
    with pytest.raises(TypeError, match=r"Database' object is not callable$"):
        client.other()
    with pytest.raises(TypeError, match="no such method exists"):
        client.db.other()
