"""Collections whose documents are instances of classes with typed fields."""

from dataclasses import dataclass, field

import pytest

from bsonx import CodecOptions, ObjectId
from bsonx.raw_bson import RawBSONDocument
from bsonx.typed import TypedDecodeError
from mongodriver import CursorType, InsertOne, ReturnDocument
from mongodriver.errors import BulkWriteError


@dataclass
class Movie:
    title: str
    id: ObjectId | None = None
    rating: float | None = None
    genres: set[str] = field(default_factory=set)


OPTIONS = CodecOptions(document_class=Movie)
DOCUMENTS = [{"title": f"m{i}", "rating": i, "genres": ["a", "b"]} for i in range(7)]


@pytest.fixture
def movies(db):
    return db.get_collection("movies", OPTIONS)


async def test_find(movies):
    result = await movies.insert_many([dict(document) for document in DOCUMENTS])
    found = [movie async for movie in movies.find(batch_size=2).sort("title")]
    assert [movie.id for movie in found] == result.inserted_ids
    assert found[3] == Movie("m3", result.inserted_ids[3], 3.0, {"a", "b"})
    assert await movies.find_one({"title": "m5"}) == found[5]
    assert await movies.find_one({"title": "none"}) is None


async def test_other_reads(movies):
    await movies.insert_many([dict(document) for document in DOCUMENTS])
    assert await movies.count_documents({"rating": {"$gt": 2}}) == 4
    assert await movies.estimated_document_count() == 7
    assert sorted(await movies.distinct("title")) == [f"m{i}" for i in range(7)]
    pipeline = [{"$match": {"rating": 1}}, {"$set": {"title": "new"}}]
    assert [movie.title async for movie in await movies.aggregate(pipeline)] == ["new"]
    streamed = movies.find(cursor_type=CursorType.EXHAUST, batch_size=2)
    assert len([movie async for movie in streamed]) == 7
    assert (await movies.index_information())["_id_"]["key"] == [("_id", 1)]


async def test_writes(movies):
    inserted = await movies.insert_one({"title": "x"})
    assert (await movies.update_one({"title": "x"}, {"$set": {"rating": 2}})).modified_count == 1
    changed = await movies.find_one_and_update(
        {"title": "x"}, {"$set": {"title": "y"}}, return_document=ReturnDocument.AFTER
    )
    assert changed == Movie("y", inserted.inserted_id, 2.0)
    assert (await movies.bulk_write([InsertOne({"title": "z"})])).inserted_count == 1
    with pytest.raises(BulkWriteError):
        await movies.insert_many([{"_id": inserted.inserted_id, "title": "again"}])
    assert (await movies.delete_many({})).deleted_count == 2


async def test_an_encoded_instance_is_a_document(movies):
    import bsonx

    movie = Movie("x", ObjectId(), 1.0, {"a"})
    await movies.insert_one(RawBSONDocument(bsonx.encode(movie)))
    assert await movies.find_one() == movie


@pytest.mark.parametrize("kind", [CursorType.NON_TAILABLE, CursorType.EXHAUST])
async def test_a_document_that_does_not_fit(movies, kind):
    await movies.insert_many([{"title": f"m{i}"} for i in range(5)] + [{"title": 5}])
    cursor = movies.find(cursor_type=kind, batch_size=2).sort("_id", 1)
    with pytest.raises(TypedDecodeError) as info:
        async for _ in cursor:
            pass
    assert info.value.path == "title"
    assert await movies.count_documents({}) == 6  # the client goes on
