"""Collections whose documents are instances of classes with typed fields."""

import uuid
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict

import pytest

from bsonx import CodecOptions, ObjectId, encode
from bsonx.raw_bson import RawBSONDocument
from bsonx.typed import TypedDecodeError
from mongodriver import CursorType, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from mongodriver.errors import BulkWriteError, DuplicateKeyError

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


@dataclass
class Movie:
    title: str
    id: ObjectId | None = None
    rating: float | None = None
    genres: set[str] = field(default_factory=set)


@attrs.define
class Attrs:
    title: str
    id: ObjectId | None = None


class Struct(msgspec.Struct, omit_defaults=True):
    title: str
    id: ObjectId | None = None


class Model(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}

    title: str
    id: ObjectId | None = None


class Tuple(NamedTuple):
    title: str
    id: ObjectId | None = None


@dataclass
class Anonymous:
    title: str


class Shape(TypedDict):
    title: str


CLASSES = [Movie, Attrs, Struct, Model, Tuple]
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


@pytest.mark.parametrize("cls", CLASSES)
async def test_instances_are_inserted(db, cls):
    one, known = cls(title="a"), cls(title="b", id=ObjectId())
    made = (await db.movies.insert_one(one)).inserted_id
    assert type(made) is ObjectId
    assert (await db.movies.insert_one(known)).inserted_id is known.id
    assert one == cls(title="a")  # as it was
    assert [d["_id"] async for d in db.movies.find().sort("title")] == [made, known.id]
    assert next(iter(await db.movies.find_one({"title": "a"}))) == "_id"
    with pytest.raises(DuplicateKeyError):
        await db.movies.insert_one(known)


@pytest.mark.parametrize("cls", CLASSES)
async def test_instances_are_replacements(db, cls):
    inserted = await db.movies.insert_one(cls(title="a"))
    assert (await db.movies.replace_one({"title": "a"}, cls(title="b"))).modified_count == 1
    found = await db.movies.find_one_and_replace(
        {"title": "b"}, cls(title="c", id=inserted.inserted_id), return_document=True
    )
    assert (found["_id"], found["title"]) == (inserted.inserted_id, "c")
    upserted = await db.movies.replace_one({"_id": 7}, Anonymous("d"), upsert=True)
    assert upserted.upserted_id == 7


async def test_many_instances(movies):
    written = [Movie("m0"), {"title": "m1"}, Struct("m2"), Movie("m3", ObjectId())]
    before = list(written)
    result = await movies.insert_many(written)
    assert all(a is b for a, b in zip(written, before, strict=True))
    found = [movie async for movie in movies.find().sort("title")]
    assert result.inserted_ids == [movie.id for movie in found]
    assert result.inserted_ids[3] is written[3].id
    result = await movies.insert_many(Movie(f"n{i}") for i in range(3))
    assert len(set(result.inserted_ids)) == 3
    with pytest.raises(BulkWriteError) as info:
        await movies.insert_many([Movie("x"), written[3], Movie("y")], ordered=False)
    assert info.value.details["nInserted"] == 2
    assert info.value.details["writeErrors"][0]["op"]["_id"] == written[3].id


async def test_instances_in_bulk_writes(movies):
    known = Movie("known", ObjectId())
    requests = [
        InsertOne(Movie("a")),
        InsertOne(known),
        ReplaceOne({"title": "a"}, Movie("b", rating=2.0)),
        UpdateOne({"title": "known"}, {"$set": {"genres": ["x"]}}),
    ]
    shown = repr(requests[0])
    result = await movies.bulk_write(requests)
    assert (result.inserted_count, result.modified_count) == (2, 2)
    assert repr(requests[0]) == shown
    found = await movies.find({}).sort("title").to_list()
    assert [(m.title, m.rating, m.genres) for m in found] == [
        ("b", 2.0, set()),
        ("known", None, {"x"}),
    ]
    assert found[1].id == known.id


async def test_identities_are_those_of_the_instances(db):
    @dataclass
    class Session:
        id: uuid.UUID

    session = Session(uuid.uuid4())
    assert (await db.sessions.insert_one(session)).inserted_id is session.id
    assert (await db.sessions.insert_many([Session(uuid.uuid4())])).inserted_ids[0].version == 4


@pytest.mark.parametrize("value", [5, "x", (1, 2), [1], object(), Movie, None])
async def test_other_things_are_no_documents(movies, value):
    for call in (
        lambda: movies.insert_one(value),
        lambda: movies.insert_many([value]),
        lambda: movies.bulk_write([InsertOne(value)]),
    ):
        with pytest.raises(TypeError, match=r"^document must be an instance of dict"):
            await call()
    for call in (
        lambda: movies.replace_one({}, value),
        lambda: movies.bulk_write([ReplaceOne({}, value)]),
        lambda: movies.find_one_and_replace({}, value),
    ):
        with pytest.raises(TypeError, match=r"^replacement must be an instance of dict"):
            await call()


async def test_an_error_of_an_instance_is_its_own(db):
    class Broken:
        __attrs_attrs__ = attrs.fields(Attrs)

    for call in (
        lambda: db.movies.bulk_write([InsertOne(Broken())]),
        lambda: db.movies.insert_one(Broken()),
    ):
        with pytest.raises(AttributeError, match="no attribute 'id'"):
            await call()


async def test_commands_show_documents(movies, commands):
    await movies.insert_one(Movie("a"))
    assert commands.started_events[-1].command["documents"][0]["title"] == "a"


@pytest.mark.parametrize("cls", [Movie, Shape])
async def test_change_streams_have_typed_documents(db, cls):
    await db.create_collection("movies", changeStreamPreAndPostImages={"enabled": True})
    movies = db.get_collection("movies", CodecOptions(document_class=cls))
    async with await movies.watch(
        full_document="updateLookup", full_document_before_change="whenAvailable"
    ) as stream:
        await movies.insert_one({"_id": ObjectId(), "title": "a"})
        await movies.update_one({}, {"$set": {"title": "b"}})
        inserted, updated = [await stream.next() for _ in range(2)]
        await movies.delete_one({})
        deleted = await stream.next()
    assert inserted["operationType"] == "insert"
    found = {"_id": inserted["documentKey"]["_id"], "title": "a"}
    if cls is Movie:
        a, b = Movie("a", found["_id"]), Movie("b", found["_id"])
    else:
        a, b = Shape(title="a"), Shape(title="b")
    assert inserted["fullDocument"] == a
    assert (updated["fullDocumentBeforeChange"], updated["fullDocument"]) == (a, b)
    assert updated["updateDescription"]["updatedFields"] == {"title": "b"}
    assert deleted["fullDocumentBeforeChange"] == b
    assert "fullDocument" not in deleted


async def test_a_raw_document_of_a_class_with_an_identity_is_raw(db):
    """The name is that of our own class for instances, and of others too."""

    class Mine(RawBSONDocument):
        identity = 7

    document = Mine(encode({"_id": 1}))
    assert (await db.raw.insert_one(document)).inserted_id is None
    await db.raw.delete_many({})
    assert (await db.raw.insert_many([document])).inserted_ids == []
