"""From a client to a document, asynchronous."""

from collections.abc import MutableMapping
from typing import Any, TypedDict, assert_type

from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from mongodriver import AsyncMongoClient
from mongodriver.asynchronous.change_stream import AsyncCollectionChangeStream
from mongodriver.asynchronous.client_session import AsyncClientSession
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.asynchronous.command_cursor import AsyncCommandCursor
from mongodriver.asynchronous.cursor import AsyncCursor
from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.results import InsertOneResult


class Row(TypedDict):
    a: int


Document = dict[str, Any]


async def clients(client: AsyncMongoClient[Document]) -> None:
    assert_type(client["a"], AsyncDatabase[Document])
    assert_type(client.a.b, AsyncCollection[Document])
    assert_type(client.get_database("a"), AsyncDatabase[Document])
    assert_type(await client.list_databases(), AsyncCommandCursor[Document])
    assert_type(await client.list_database_names(), list[str])
    assert_type(client.start_session(), AsyncClientSession)
    assert_type(await client.address, tuple[str, int] | None)
    async with client as same:
        assert_type(same, AsyncMongoClient[Document])
    await client.drop_database(5)  # error


async def databases(db: AsyncDatabase[Row]) -> None:
    assert_type(db.get_collection("a"), AsyncCollection[Row])
    assert_type(await db.create_collection("a"), AsyncCollection[Row])
    assert_type(db.client, AsyncMongoClient[Row])
    assert_type(await db.command("ping"), dict[str, Any])
    options = CodecOptions(document_class=RawBSONDocument)
    assert_type(await db.command("ping", codec_options=options), RawBSONDocument)
    assert_type(db.with_options(options), AsyncDatabase[RawBSONDocument])
    assert_type(await db.list_collections(), AsyncCommandCursor[MutableMapping[str, Any]])
    assert_type(await db.list_collection_names(), list[str])


async def collections(c: AsyncCollection[Row], session: AsyncClientSession) -> None:
    assert_type(c.find(), AsyncCursor[Row])
    assert_type(await c.find_one(), Row | None)
    assert_type(await c.aggregate([]), AsyncCommandCursor[Row])
    assert_type(await c.watch(), AsyncCollectionChangeStream[Row])
    assert_type(await c.insert_one({"a": 1}, session=session), InsertOneResult)
    assert_type(c.database, AsyncDatabase[Row])
    assert_type([row["a"] async for row in c.find()], list[int])
    assert_type(await c.find().to_list(), list[Row])
    assert_type(c.find().session, AsyncClientSession | None)
    assert_type(c.find().collection, AsyncCollection[Row])
    await c.insert_one({"a": "b"})  # error
    c.find_one()["a"]  # error


async def sessions(session: AsyncClientSession) -> None:
    async def callback(inner: AsyncClientSession) -> int:
        return 5

    assert_type(session.client, AsyncMongoClient[Any])
    assert_type(await session.with_transaction(callback), int)
    async with await session.start_transaction():
        pass
    async with session.bind() as bound:
        assert_type(bound, AsyncClientSession)
    await session.with_transaction(lambda s: 5)  # error
