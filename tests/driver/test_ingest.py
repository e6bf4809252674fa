"""Ingestion on a real server, in every flavour: sources, modes, duplicates, order."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from flavour import is_asynchronous, plain
from ingest_kit import content_hash, load

import bsonx
import mongodriver
from bsonx.raw_bson import RawBSONDocument
from mongodriver import AsyncMongoClient, MongoClient
from mongodriver.errors import PyMongoError, WriteConcernError
from mongodriver.ingest import Batch, IngestError, ingest, ingest_async
from mongodriver.write_concern import WriteConcern
from tasks import WasCancelled, begin, flag, pass_on

pytestmark = pytest.mark.server
COUNT = 3000


@dataclass
class Item:
    _id: int
    text: str
    even: bool


def items(count: int = COUNT) -> list[dict[str, Any]]:
    return [{"_id": n, "text": f"text {n}", "even": n % 2 == 0} for n in range(count)]


class Numbers:
    """A source as its users write one."""

    name = "numbers"
    size = None
    repeatable = True
    awaits = False

    def open(self, ids, at=None):
        return self

    def __init__(self) -> None:
        self._left = items()
        self.closed = 0

    def read(self, limits):
        some = [bsonx.encode(item) for item in self._left[: limits.documents]]
        if not some:
            return None
        del self._left[: len(some)]
        ends = bytearray()
        size = 0
        for document in some:
            size += len(document)
            ends += size.to_bytes(4, "little")
        return Batch("numbers", b"".join(some), bytes(ends), range(1, len(some) + 1))

    def consumed(self):
        return 0

    def close(self):
        self.closed += 1


async def asynchronous(values):
    for value in values:
        yield value


def lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


SOURCES = {
    "dicts": lambda _: items(),
    "generator": lambda _: (item for item in items()),
    "instances": lambda _: [Item(**item) for item in items()],
    "raw": lambda _: [RawBSONDocument(bsonx.encode(item)) for item in items()],
    "bytes": lambda _: [bsonx.encode(item) for item in items()],
    "asynchronous": lambda _: asynchronous(items()),
    "source": lambda _: Numbers(),
    "ndjson": lambda folder: lines(folder / "a.ndjson", items()),
    "text path": lambda folder: str(lines(folder / "a.ndjson", items())),
    "glob": lambda folder: (
        [
            lines(folder / "p1.jsonl", items()[:1000]),
            lines(folder / "p2.jsonl", items()[1000:]),
        ]
        and f"{folder}/p*.jsonl"
    ),
    "paths": lambda folder: [
        lines(folder / "p1.jsonl", items()[:1000]),
        lines(folder / "p2.jsonl", items()[1000:]),
    ],
}


def json_array(folder):
    (folder / "a.json").write_text(json.dumps(items()))
    return folder / "a.json"


def packed(folder):
    data = "".join(json.dumps(item) + "\n" for item in items()).encode()
    (folder / "a.ndjson.gz").write_bytes(gzip.compress(data))
    return folder / "a.ndjson.gz"


def csv(folder):
    rows = "".join(f"{n},text {n},{str(n % 2 == 0).lower()}\n" for n in range(COUNT))
    (folder / "a.csv").write_text("_id,text,even\n" + rows)
    return folder / "a.csv"


SOURCES |= {"json": json_array, "gz": packed, "csv": csv}


@pytest.mark.parametrize("kind", SOURCES)
async def test_every_source_gives_the_same_collection(coll, tmp_path, kind):
    if kind == "asynchronous" and not is_asynchronous(coll):
        with pytest.raises(TypeError, match="needs ingest_async"):
            await load(coll, SOURCES[kind](tmp_path))
        return
    await coll.insert_many(items())
    expected = await content_hash(coll)
    other = coll.database["other"]
    source = SOURCES[kind](tmp_path)
    report = await load(other, source, batch_documents=700)
    assert (report.records, report.documents, report.inserted) == (COUNT,) * 3
    assert report.ok
    assert report.p50 > 0
    assert await content_hash(other) == expected
    assert kind != "source" or source.closed == 1


async def test_arrow_data_gives_the_same_collection(coll):
    pyarrow = pytest.importorskip("pyarrow")
    await coll.insert_many(items())
    expected = await content_hash(coll)
    columns = {name: [item[name] for item in items()] for name in ("_id", "text", "even")}
    columns["_id"] = pyarrow.array(columns["_id"], pyarrow.int32())
    await load(coll.database["other"], pyarrow.table(columns))
    assert await content_hash(coll.database["other"]) == expected


async def test_mappings_are_not_changed_and_get_ids(coll):
    documents = [{"n": n} for n in range(10)]
    report = await load(coll, documents)
    assert documents == [{"n": n} for n in range(10)]
    stored = await coll.find(sort={"_id": 1}).to_list()
    assert [document["n"] for document in stored] == list(range(10))
    assert report.sent == sum(len(bsonx.encode(document)) for document in stored)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"a": 1}, "not a single dict"),
        (b"\x05\0\0\0\0", "not a single bytes"),
        (5, "no documents can be read from int"),
    ],
)
async def test_what_is_no_source(coll, source, problem):
    with pytest.raises(TypeError, match=problem):
        await load(coll, source)
    with pytest.raises(TypeError, match="'batch_size' is no option of ingest"):
        await load(coll, [], batch_size=5)


async def test_bad_items_are_rejected_with_their_place(coll):
    source = [{"n": 0}, {"n": {1}}, {"n": 1}, 5, {"a": [{"b": 1 << 64}]}, b"\x05\0\0\0\1", {"n": 2}]
    report = await load(coll, source)
    assert (report.records, report.documents, report.rejected) == (7, 3, 4)
    examples = report.errors["encode"].examples
    assert examples[0].startswith("iterable:2: field n: ")
    assert examples[1].startswith("iterable:4: ")
    assert examples[2].startswith("iterable:5: field a[0].b: ")
    assert await coll.count_documents({}) == 3


# ---- modes ----


async def by_key(coll):
    return {d["k"]: d.get("v") for d in await coll.find({}, {"_id": 0}).to_list()}


async def test_upsert_replace_merge_and_delete(coll):
    await coll.create_index("k", unique=True)
    await coll.insert_many([{"k": k, "v": "old", "more": 1} for k in (1, 2, 3)])
    new = [{"k": k, "v": "new"} for k in (2, 3, 4)]

    report = await load(coll, new, mode="replace", key="k")
    assert (report.documents, report.inserted, report.modified) == (3, 0, 2)
    assert await by_key(coll) == {1: "old", 2: "new", 3: "new"}
    assert "more" not in await coll.find_one({"k": 2})

    report = await load(coll, new, mode="upsert", key="k")
    assert (report.documents, report.inserted) == (3, 1)
    assert await by_key(coll) == {1: "old", 2: "new", 3: "new", 4: "new"}

    merged = [{"k": 1, "v": "merged"}, {"k": 5, "v": "merged"}, {"k": 1, "dot.ted": 1, "$x": 2}]
    report = await load(coll, merged, mode="merge", key="k")
    assert (report.documents, report.inserted, report.modified) == (3, 1, 2)
    one = await coll.find_one({"k": 1}, {"_id": 0})
    assert one == {"k": 1, "v": "merged", "more": 1, "dot.ted": 1, "$x": 2}

    report = await load(coll, [{"k": 1}, {"k": 5, "v": "x"}, {"k": 9}], mode="delete", key="k")
    assert (report.documents, report.deleted) == (3, 2)
    assert sorted(await by_key(coll)) == [2, 3, 4]


async def test_modes_by_id(coll):
    await coll.insert_many([{"_id": n, "v": "old"} for n in range(3)])
    await load(coll, [{"_id": 2, "v": "new"}, {"_id": 3, "v": "new"}], mode="upsert")
    await load(coll, [{"_id": 0}, {"_id": 7}], mode="delete")
    found = await coll.find(sort={"_id": 1}).to_list()
    assert found == [
        {"_id": 1, "v": "old"},
        {"_id": 2, "v": "new"},
        {"_id": 3, "v": "new"},
    ]


async def test_keys_of_several_fields_that_reach_into_documents(coll):
    old = [{"a": {"b": n}, "c": "x", "v": 0} for n in range(3)]
    await coll.insert_many(old)
    new = [{"a": {"b": 1}, "c": "x", "v": 1}, {"a": {"b": 1}, "c": "y", "v": 1}]
    report = await load(coll, new, mode="upsert", key=("a.b", "c"))
    assert (report.inserted, report.modified) == (1, 1)
    found = await coll.find({"v": 1}, {"_id": 0}, sort={"c": 1}).to_list()
    assert found == new


async def test_records_without_a_key(coll):
    source = [{"v": 1}, {"k": None}, {"k": [1]}, {"k": 1}, {"k": {"$gt": 0}}, {"k": 1, "$set": {}}]
    await coll.insert_one({"k": 5, "v": "stays"})
    report = await load(coll, source, mode="upsert", key="k")
    assert (report.records, report.documents, report.rejected) == (6, 2, 4)
    assert report.errors["parse"].examples == [
        "iterable:1: the record has no 'k'",
        "iterable:2: the key 'k' must not be null",
        "iterable:3: the key 'k' must not be an array",
    ]
    assert await coll.find_one({"v": "stays"}, {"_id": 0}) == {"k": 5, "v": "stays"}
    assert await coll.count_documents({}) == 3


@pytest.mark.parametrize("mode", ["upsert", "merge"])
async def test_of_documents_with_the_same_key_the_last_one_counts(coll, mode):
    await coll.create_index("k", unique=True)
    source = ({"k": n % 7, "v": n} for n in range(4000))
    report = await load(coll, source, mode=mode, key="k", lanes=4, batch_documents=100)
    assert report.documents == 4000
    assert await by_key(coll) == {k: max(range(k, 4000, 7)) for k in range(7)}


# ---- duplicates ----


async def twice(coll, **options):
    await coll.insert_many([{"_id": n, "v": "old"} for n in range(0, 100, 10)])
    return await load(coll, [{"_id": n, "v": "new"} for n in range(100)], **options)


async def test_duplicates_are_rejected(coll):
    report = await twice(coll)
    assert (report.documents, report.rejected, report.duplicates) == (90, 10, 10)
    assert report.errors[11000].examples[0].startswith("iterable:1: E11000")
    assert await coll.count_documents({"v": "old"}) == 10


async def test_duplicates_are_skipped(coll):
    report = await twice(coll, on_duplicate="skip")
    assert (report.documents, report.rejected, report.skipped, report.duplicates) == (90, 0, 10, 10)
    assert report.ok
    assert await coll.count_documents({"v": "old"}) == 10


async def test_duplicates_are_replaced(coll):
    report = await twice(coll, on_duplicate="replace")
    assert (report.documents, report.replaced, report.duplicates) == (100, 10, 10)
    assert (report.inserted, report.modified) == (90, 10)
    assert await coll.count_documents({"v": "new"}) == 100


async def test_duplicates_end_the_job(coll):
    with pytest.raises(IngestError, match="iterable:1: E11000") as caught:
        await twice(coll, on_duplicate="error")
    assert caught.value.report.errors[11000].count == 10


async def test_duplicates_of_another_index_are_replaced(coll):
    await coll.create_index("k", unique=True)
    before = (await coll.insert_one({"k": {"x": 3}, "v": "old"})).inserted_id
    source = [{"k": {"x": n}, "v": "new"} for n in range(5)]
    report = await load(coll, source, on_duplicate="replace")
    assert (report.documents, report.replaced) == (5, 1)
    assert await coll.find_one({"k": {"x": 3}}) == {"_id": before, "k": {"x": 3}, "v": "new"}


@pytest.mark.parametrize(
    ("key", "index", "before", "new"),
    [
        ("items.sku", {}, {"items": [{"sku": 1}]}, {"items": [{"sku": 5}, {"sku": 1}]}),
        ("tags", {}, {"tags": ["a", "b"]}, {"tags": ["b", "c"]}),
        ("k", {"collation": {"locale": "en", "strength": 2}}, {"k": "ABC"}, {"k": "abc"}),
        ("k", {}, {"k": None}, {}),
    ],
)
async def test_the_key_of_a_duplicate_is_that_of_the_index(coll, key, index, before, new):
    await coll.create_index(key, unique=True, **index)
    await coll.insert_many([{"_id": 1, **before}, {"_id": 2, "k": 2, "tags": 2, "items": 2}])
    report = await load(coll, [{**new, "v": "new"}], on_duplicate="replace")
    assert (report.documents, report.replaced, report.duplicates) == (1, 1, 1)
    assert await coll.find_one({"_id": 1}) == {"_id": 1, **new, "v": "new"}
    assert await coll.count_documents({}) == 2


async def test_a_duplicate_beside_documents_that_are_not_in_the_index(coll):
    """The server would try an upsert for ever: its filter finds a document, the index another."""
    await coll.create_index("k", unique=True, partialFilterExpression={"in": True})
    old = [{"_id": 1, "k": 1, "in": False}, {"_id": 2, "k": 1, "in": True}]
    await coll.insert_many(old)
    report = await load(coll, [{"k": 1, "in": True, "v": "new"}], on_duplicate="replace")
    assert (report.documents, report.errors[11000].count) == (0, 1)
    assert [document async for document in coll.find(sort=[("_id", 1)])] == old


async def test_a_duplicate_is_not_replaced_by_operators(coll):
    await coll.create_index("k", unique=True)
    await coll.insert_one({"_id": 1, "v": "old"})
    report = await load(coll, [{"$set": {"v": "new"}}], on_duplicate="replace")
    assert report.errors["parse"].examples == [
        "iterable:1: names of fields that begin with $ would be taken for operators"
    ]
    assert await coll.find_one() == {"_id": 1, "v": "old"}


# ---- flavours ----


async def test_a_collection_of_the_other_flavour(coll):
    kind = MongoClient if is_asynchronous(coll) else AsyncMongoClient
    client = kind("mongodb://127.0.0.1:1/", connect=False)
    other = client.db.other
    with pytest.raises(
        TypeError, match=r"db.other is a collection of an? \w*MongoClient, which is for ingest"
    ):
        if is_asynchronous(coll):
            await ingest_async(other, [{"a": 1}])
        else:
            ingest(other, [{"a": 1}])
    with pytest.raises(IngestError, match="the same kind of client"):
        await load(coll, [{"a": 1}], dead_letter=other)
    with pytest.raises(IngestError, match="which is loaded"):
        await load(coll, [{"a": 1}], dead_letter=plain(coll))
    if is_asynchronous(coll):
        client.close()
    assert await coll.count_documents({}) == 0


# ---- order ----


async def test_ordered_stops_at_the_first_error(coll):
    await coll.insert_one({"_id": 250})
    source = ({"_id": n} for n in range(1000))
    with pytest.raises(IngestError, match="iterable:251: E11000") as caught:
        await load(coll, source, ordered=True, batch_documents=100)
    stored = sorted([document["_id"] for document in await coll.find().to_list()])
    assert stored == list(range(251))
    report = caught.value.report
    assert report.documents == 250
    assert report.records == report.documents + report.rejected
    assert report.errors[11000].count == 1


async def test_ordered_keeps_the_order(coll, commands):
    await load(coll, ({"n": n} for n in range(1000)), ordered=True, batch_documents=100)
    found = await coll.find(sort={"$natural": 1}).to_list()
    assert [document["n"] for document in found] == list(range(1000))


async def test_a_write_concern_that_cannot_be_met(coll):
    concern = WriteConcern(w=2, wtimeout=1)
    source = [{"n": n} for n in range(10)]
    with pytest.raises(WriteConcernError):
        await load(coll.with_options(write_concern=concern), source, retry_seconds=0)


# ---- what goes wrong on the way ----


def fail_inserts(client, times, **data):
    return client.admin.command(
        {
            "configureFailPoint": "failCommand",
            "mode": {"times": times} if times else "off",
            "data": {"failCommands": ["insert"], **data},
        }
    )


async def test_an_overloaded_server(client, coll, commands):
    """All is stored, and the server is not asked again at once."""
    labels = ["SystemOverloadedError", "RetryableError"]
    await fail_inserts(client, 12, errorCode=462, errorLabels=labels)
    try:
        report = await load(coll, ({"n": n} for n in range(2000)), lanes=2, batch_documents=500)
    finally:
        await fail_inserts(client, 0)
    assert (report.documents, report.errors) == (2000, {})
    assert report.resent >= 2
    assert await coll.count_documents({}) == 2000
    assert commands.names.count("insert") == 12 + 4


async def test_only_what_ids_do_not_tell_has_a_transaction_number(coll, commands):
    """The account that the server keeps of such numbers takes a sixth of its time."""

    async def numbered(values, **options):
        commands.clear()
        await load(coll, values, **options)
        return ["txnNumber" in event.command for event in commands.started_events]

    assert await numbered([{"n": n} for n in range(9)]) == [False]
    assert await numbered([{"_id": n} for n in range(9)]) == [True]
    assert await numbered([{"n": n} for n in range(9)], ordered=True) == [True]
    assert await numbered([{"_id": 1, "n": 2}], mode="upsert") == [True]


@pytest.mark.parametrize("code", [91, 189, 11602])
async def test_a_server_that_changes_its_state(client, make_client, coll, code):
    plain_client = make_client(retryWrites=False)
    collection = plain_client[coll.database.name][coll.name]
    await fail_inserts(client, 3, errorCode=code)
    try:
        report = await load(collection, ({"n": n} for n in range(500)), batch_documents=100)
    finally:
        await fail_inserts(client, 0)
    assert (report.documents, report.errors) == (500, {})
    assert report.resent >= 3
    assert await coll.count_documents({}) == 500


async def test_a_refusal_is_raised(client, coll):
    await fail_inserts(client, 100, errorCode=13)
    try:
        with pytest.raises(Exception, match="fail") as caught:
            await load(coll, ({"n": n} for n in range(500)), batch_documents=100)
    finally:
        await fail_inserts(client, 0)
    assert caught.value.code == 13
    assert await coll.count_documents({}) == 0


async def test_a_document_that_is_nested_too_deeply(coll):
    deep: dict[str, Any] = {}
    for _ in range(250):
        deep = {"d": deep}
    source = [{"n": n} if n % 100 else {"n": n, "d": deep} for n in range(1, 300)]
    report = await load(coll, source)
    assert (report.documents, report.rejected) == (297, 2)
    assert list(report.errors) == [15]
    assert report.errors[15].examples[0].startswith("iterable:100: ")


async def test_a_document_that_is_too_large(coll):
    source = [{"n": 0}, {"n": 1, "x": "x" * (17 << 20)}, {"n": 2}]
    report = await load(coll, source)
    assert (report.documents, report.rejected) == (2, 1)
    assert report.errors["encode"].examples[0].startswith("iterable:2: BSON document too large")


async def test_messages_are_divided_as_the_server_needs_it(coll, commands):
    """48 MB is the most a message may have, whatever a batch is allowed to be."""
    source = [{"n": n, "x": "x" * (15 << 20)} for n in range(4)]
    report = await load(coll, source, batch_bytes=32 << 20, max_in_flight=1 << 30)
    assert report.documents == 4
    assert await coll.count_documents({}) == 4


async def test_a_time_limit_of_the_block(client, coll):
    """It counts for the lanes as well, which are threads or tasks of their own."""
    await coll.insert_one({})
    await fail_inserts(client, 1000, blockConnection=True, blockTimeMS=2000)
    try:
        with mongodriver.timeout(0.3), pytest.raises(PyMongoError) as caught:
            await load(coll, ({"n": n} for n in range(10)))
    finally:
        await fail_inserts(client, 0)
    assert caught.value.timeout


# ---- stopping ----


async def test_being_cancelled_leaves_nothing_running(coll, commands):
    if not is_asynchronous(coll):
        pytest.skip("nothing of a blocking client can be cancelled")
    some, ended = flag(), flag()

    async def endless():
        n = 0
        try:
            while True:
                yield {"n": n}
                n += 1
                if n % 100 == 0:
                    await pass_on()
        finally:
            ended.set()

    def told(snapshot):
        if snapshot.documents >= 1000:
            some.set()

    task = begin(load(coll, endless(), batch_documents=200, progress=told))
    await some.wait()
    task.cancel()
    with pytest.raises(WasCancelled):
        await task
    assert task.done()
    await ended.wait()
    # The server may still be storing what it had been sent.
    assert await coll.count_documents({}) >= 1000
    sent = commands.names.count("insert")
    await coll.insert_one({"last": True})  # the client is in order
    assert await coll.count_documents({"last": True}) == 1
    assert commands.names.count("insert") == sent + 1


async def test_being_cancelled_while_a_thread_reads(coll):
    if not is_asynchronous(coll):
        pytest.skip("nothing of a blocking client can be cancelled")
    reads, goes_on, closed = threading.Event(), threading.Event(), threading.Event()

    def waiting():
        try:
            yield {"n": 1}
            reads.set()
            assert goes_on.wait(60)
            yield {"n": 2}
        finally:
            closed.set()

    task = begin(load(coll, waiting()))
    while not reads.is_set():
        await pass_on()
    task.cancel()
    with pytest.raises(WasCancelled):
        await task
    assert not closed.is_set()
    goes_on.set()
    assert closed.wait(60)
    assert await coll.count_documents({}) == 0
