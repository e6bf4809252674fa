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
