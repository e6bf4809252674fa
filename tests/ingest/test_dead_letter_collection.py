"""Dead letters in a collection, in every flavour; and read from there."""

import pytest

import bsonx
from flavours import CLIENTS, FLAVOURS, run_on
from mongodriver import MongoClient
from mongodriver.errors import OperationFailure
from mongodriver.ingest.batch import BatchLimits
from mongodriver.ingest.dead_letter import CollectionDeadLetter, DeadRecord, make_dead_letter
from mongodriver.ingest.errors import DeadLetterError
from mongodriver.ingest.sources.entries import EntriesCollection

pytestmark = pytest.mark.server
TEXT = DeadRecord("a.csv", 3, "parse", "bad", text=b"a;1", format="csv")


@pytest.fixture(params=FLAVOURS)
def on(request, mongo_uri):
    """Run a coroutine with a collection of each flavour."""

    def on(main):
        async def whole(backend):
            client = CLIENTS[request.param](mongo_uri)
            try:
                return await main(client["letters"]["dead"])
            finally:
                closing = client.close()
                if closing is not None:
                    await closing

        return run_on(request.param, whole)

    return on


@pytest.fixture
def stored(mongo_uri):
    """What is stored, looked at with another client."""
    with MongoClient(mongo_uri) as client:
        yield lambda: list(client["letters"]["dead"].find({}, {"_id": 0}).sort("line", 1))
        client.drop_database("letters")


def dead(position, data, **fields):
    return DeadRecord("f", position, 121, "bad", document=data, **fields)


def test_entries(on, stored):
    async def main(collection):
        letter = make_dead_letter(collection)
        assert isinstance(letter, CollectionDeadLetter)
        await letter.add([TEXT, dead(4, bsonx.encode({"a": {"$odd": 1}}))])
        assert await letter.settled() == set()
        letter.sync()
        letter.close()

    on(main)
    text, document = stored()
    assert text.pop("id").binary
    assert text == {
        "file": "a.csv",
        "line": 3,
        "code": "parse",
        "error": "bad",
        "record": "a;1",
        "format": "csv",
    }
    assert document["document"] == {"a": {"$odd": 1}}


def test_a_job_that_goes_on(on, stored):
    async def main(collection):
        await make_dead_letter(collection, job="another").add([dead(9, bsonx.encode({}))])
        await make_dead_letter(collection, job="j").add([dead(4, bsonx.encode({})), TEXT])
        letter = make_dead_letter(collection, job="j", resume=True)
        assert await letter.settled() == {("f", 4), ("a.csv", 3)}
        await letter.add([dead(4, bsonx.encode({})), dead(5, bsonx.encode({}))])

    on(main)
    assert [entry["line"] for entry in stored()] == [3, 4, 5, 9]


def nested(depth):
    document = {}
    for _ in range(depth):
        document = {"a": document}
    return bsonx.encode(document)


@pytest.mark.parametrize("depth", [179, 220])
def test_what_no_server_takes_as_a_document(on, stored, depth):
    """Too large, too deep, no BSON: none of them ends the job."""
    large = bsonx.encode({"x": "x" * (16 << 20)})
    fitting = bsonx.encode({"x": "x" * ((16 << 20) - 1000)})
    records = [dead(n, data) for n, data in enumerate([large, fitting, nested(depth), b"no BSON"])]

    async def main(collection):
        await make_dead_letter(collection).add(records)

    on(main)
    too_large, just, deep, broken = stored()
    assert too_large["left_out"] == len(large)
    assert just["left_out"] == len(fitting)
    if depth == 179:
        assert bsonx.encode(deep["document"]) == nested(depth)
    else:
        assert deep["bson"] == nested(depth)
    assert broken["bson"] == b"no BSON"


def test_a_server_that_refuses(on, stored, mongo_uri):
    with MongoClient(mongo_uri) as client:
        client["letters"].create_collection("dead", validator={"never": True})

    async def main(collection):
        with pytest.raises(DeadLetterError, match="cannot be stored: the server refuses them"):
            await make_dead_letter(collection).add([TEXT])

    on(main)


def test_an_error_of_the_server(on, monkeypatch, stored):
    async def fail(*arguments, **options):
        raise OperationFailure("not authorized")

    monkeypatch.setattr(CollectionDeadLetter, "_insert", fail)

    async def main(collection):
        with pytest.raises(DeadLetterError, match="cannot be stored: not authorized"):
            await make_dead_letter(collection).add([TEXT])

    on(main)


def test_a_collection_as_a_source(on, stored):
    good = bsonx.encode({"_id": 1, "x": 2})

    async def main(collection):
        letter = make_dead_letter(collection, job="j")
        await letter.add([dead(1, good), TEXT, dead(2, b"no BSON")])
        source = EntriesCollection(collection)
        assert (source.name, source.size, source.repeatable) == ("letters.dead", None, False)
        reader = source.open(None)
        batches = []
        while True:
            batch = reader.read(BatchLimits())
            batch = await batch if source.awaits else batch
            if batch is None:
                break
            batches.append(batch)
        closing = reader.close()
        if source.awaits:
            await closing
        assert reader.consumed() == 0
        return batches

    [batch] = on(main)
    assert [batch.document(index) for index in range(len(batch))] == [good]
    assert sorted(reject.code for reject in batch.rejects) == ["encode", "parse"]
