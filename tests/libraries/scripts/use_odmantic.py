"""odmantic: both engines, references, embedded models, a session."""

import asyncio
import sys

from motor.motor_asyncio import AsyncIOMotorClient
from odmantic import AIOEngine, EmbeddedModel, Field, Model, Reference, SyncEngine
from pymongo import MongoClient


class Publisher(Model):
    name: str = Field(unique=True)


class Details(EmbeddedModel):
    pages: int


class Book(Model):
    title: str
    details: Details
    publisher: Publisher = Reference()


def books():
    publisher = Publisher(name="P")
    return [
        Book(title=t, details=Details(pages=n), publisher=publisher) for n, t in enumerate("abc")
    ]


async def main():
    client = AsyncIOMotorClient(sys.argv[1])
    engine = AIOEngine(client=client, database="use_odmantic")
    await client.drop_database("use_odmantic")
    await engine.configure_database([Book, Publisher])
    await engine.save_all(books())
    found = await engine.find(Book, Book.details.pages > 0, sort=Book.title.desc())
    assert [(book.title, book.publisher.name) for book in found] == [("c", "P"), ("b", "P")]
    assert await engine.count(Book) == 3
    async with engine.transaction() as transaction:
        await transaction.delete(found[0])
        await transaction.abort()
    assert await engine.count(Book) == 3
    assert await engine.remove(Book, Book.title == "a") == 1
    client.close()


asyncio.run(main())
with MongoClient(sys.argv[1]) as client:
    engine = SyncEngine(client=client, database="use_odmantic")
    assert sorted(book.title for book in engine.find(Book)) == ["b", "c"]
    book = engine.find_one(Book, Book.title == "b")
    book.details = Details(pages=7)
    engine.save(book)
    assert engine.find_one(Book, {"details.pages": 7}).id == book.id
print("ok")
