"""Collections in parts: each document once, whatever its id, and whatever happens meanwhile."""

from __future__ import annotations

import datetime
import pickle
import threading
import uuid

import pytest
from flavour import is_asynchronous, plain

from bsonx import decode_all
from bsonx.binary import Binary, UuidRepresentation
from bsonx.codec_options import CodecOptions
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.collation import Collation
from mongodriver.errors import AutoReconnect, CursorNotFound, OperationFailure
from mongodriver.local import LocalServer
from mongodriver.partitions import AsyncScan, Partition, Scan, scan, scan_async, shared_client

pytestmark = pytest.mark.server

DAY = datetime.datetime(2000, 1, 1)
#: Ids of all types that they may have, many of some.
IDS = [
    *(None, MinKey(), MaxKey(), True, False),
    *range(-150, 150),
    *(n + 0.5 for n in range(80)),
    *(Int64(2**40 + n) for n in range(20)),
    *(Decimal128(f"{n}.25") for n in range(20)),
    *(f"s{n}" for n in range(200)),
    *({"a": n} for n in range(50)),
    *(Binary(b"%d" % n) for n in range(30)),
    *(Binary(uuid.UUID(int=n).bytes, 3) for n in range(10)),
    *(ObjectId() for _ in range(100)),
    *(DAY + datetime.timedelta(n) for n in range(40)),
]


async def scan_of(coll, *args, **kwargs):
    """A scan of a collection of either flavour."""
    if is_asynchronous(coll):
        return await scan_async(coll, *args, **kwargs)
    return scan(plain(coll), *args, **kwargs)


async def all_of(found):
    """What an iterator of either flavour gives."""
    if hasattr(found, "__aiter__"):
        return [one async for one in found]
    return list(found)


async def fill(coll, count):
    await coll.insert_many([{"_id": n, "n": n % 10} for n in range(count)])


def ids(documents):
    return [document["_id"] for document in documents]


@pytest.mark.parametrize("partitions", [1, 2, 5, 1000])
async def test_each_document_once(coll, partitions):
    """Ids of all types, in ranges that end anywhere."""
    await coll.insert_many([{"_id": id, "n": n} for n, id in enumerate(IDS)])
    found = await scan_of(coll, partitions=partitions, batch_size=13)
    assert isinstance(found, AsyncScan if is_asynchronous(coll) else Scan)
    assert 1 <= len(found.partitions) <= partitions
    assert (len(found.partitions) > 1) is (partitions > 1)
    expected = list(range(len(IDS)))
    assert sorted(d["n"] for d in await all_of(found)) == expected
    assert sorted(d["n"] for d in await all_of(found)) == expected, "a scan can be read again"
    data = b"".join(await all_of(found.raw_batches()))
    assert sorted(d["n"] for d in decode_all(data)) == expected
    assert all([await all_of(p.read(plain(coll))) for p in found.partitions])


@pytest.mark.parametrize("count", [0, 1, 99, 250])
async def test_small_collections(coll, count):
    if count:
        await fill(coll, count)
    found = await scan_of(coll, partitions=8)
    assert len(found.partitions) == max(count // 100, 1)
    assert sorted(ids(await all_of(found))) == list(range(count))


async def test_filters_and_projections(coll):
    await fill(coll, 500)
    few = await scan_of(coll, {"n": 3}, ["n"], partitions=4)
    assert sorted(ids(await all_of(few))) == list(range(3, 500, 10))
    assert await all_of(await scan_of(coll, {"_id": 7}, {"_id": 0, "n": 1})) == [{"n": 7}]
    assert await all_of(await scan_of(coll, {"_id": 7}, {"_id": 0})) == [{"n": 7}]
    assert await all_of(await scan_of(coll, {"_id": 7}, {"_id": False, "n": 0})) == [{}]
    without = await scan_of(coll, None, {"_id": 0, "n": 1}, partitions=3, batch_size=20)
    assert len(await all_of(without)) == 500
    for changed in ({"_id": "$n"}, {"_id.a": 1}, {"_id.a": 0}, ["n", "_id.a"]):
        with pytest.raises(ValueError, match="must not change _id"):
            await scan_of(coll, None, changed)


@pytest.mark.parametrize(
    "id", [b"\x10_id\0\1\0\0\0", b"\x0e_id\0\2\0\0\0s\0"], ids=["int", "symbol"]
)
async def test_leaving_the_ids_out_leaves_the_rest_as_it_is(coll, id):
    """Nothing is decoded for that: old types, repeated names, bytes that are no text."""
    rest = b"\x06u\0\x0ea\0\2\0\0\0s\0\x0an\0\x0an\0\x02t\0\2\0\0\0\xff\0"
    if id[0] == 0x0E:
        rest = b"\x0an\0"  # such an id is not known again: the rest is encoded anew

    def whole(elements):
        return (len(elements) + 5).to_bytes(4, "little") + elements + b"\0"

    await coll.insert_one(RawBSONDocument(whole(id + rest)))
    found = await scan_of(coll, None, {"_id": 0})
    assert await all_of(found.raw_batches()) == [whole(rest)]


async def test_documents_are_as_the_collection_has_them(coll):
    options = CodecOptions(uuid_representation=UuidRepresentation.STANDARD, tz_aware=True)
    typed = coll.with_options(options)
    wanted = [{"_id": uuid.UUID(int=n), "at": DAY.replace(tzinfo=datetime.UTC)} for n in range(300)]
    await typed.insert_many(wanted)
    found = await scan_of(typed, {"_id": {"$gte": uuid.UUID(int=5)}}, partitions=3, batch_size=40)
    key = lambda document: document["_id"].int  # noqa: E731
    assert sorted(await all_of(found), key=key) == wanted[5:]
    raw = coll.with_options(CodecOptions(document_class=RawBSONDocument))
    assert all(type(one) is RawBSONDocument for one in await all_of(await scan_of(raw)))


async def test_a_collation_of_the_collection(db):
    """Ids that differ by case alone are one id there, and its index is in that order."""
    coll = await db.create_collection("words", collation=Collation("en", strength=2))
    words = [f"{first}{n}" for n in range(300) for first in ("a" if n % 2 else "A", "b")]
    await coll.insert_many([{"_id": word} for word in words])
    found = await scan_of(coll, partitions=5, batch_size=10)
    assert len(found.partitions) == 5
    assert sorted(ids(await all_of(found))) == sorted(words)
    one = await scan_of(coll, {"_id": "a2"}, collation=Collation("en", strength=2))
    assert ids(await all_of(one)) == ["A2"]
    with pytest.raises(OperationFailure):
        other = await scan_of(coll, collation=Collation("fr"), partitions=3)
        await all_of(other)


async def test_a_view_is_one_partition(coll, db):
    await fill(coll, 300)
    await db.create_collection("seen", viewOn=coll.name, pipeline=[{"$match": {"n": 1}}])
    found = await scan_of(db["seen"], {"_id": {"$lt": 100}}, partitions=5)
    assert [partition.ordered for partition in found.partitions] == [False]
    assert sorted(ids(await all_of(found))) == list(range(1, 100, 10))


async def test_other_kinds_of_collections(db):
    await db.create_collection("series", timeseries={"timeField": "at"})
    await db["series"].insert_many([{"at": DAY, "n": n} for n in range(200)])
    assert len(await all_of(await scan_of(db["series"], partitions=3))) == 200
    clustered = {"key": {"_id": 1}, "unique": True}
    await db.create_collection("clustered", clusteredIndex=clustered)
    await fill(db["clustered"], 400)
    found = await scan_of(db["clustered"], partitions=4, batch_size=30)
    assert len(found.partitions) == 4
    assert sorted(ids(await all_of(found))) == list(range(400))


# -- partitions --


async def test_a_partition_describes_itself(coll, client):
    await fill(coll, 300)
    (first, second) = (await scan_of(coll, {"n": {"$lt": 5}}, ["n"], partitions=2)).partitions
    assert first.namespace == f"{coll.database.name}.{coll.name}"
    assert (first.lower, second.upper) == (None, None)
    assert first.upper == second.lower
    assert first.filter == '{"n": {"$lt": {"$numberInt": "5"}}}'
    assert first.projection == '{"n": {"$numberInt": "1"}}'
    for copy in (pickle.loads(pickle.dumps(second)), Partition.from_json(second.to_json())):
        assert copy == second
        assert await all_of(copy.read(plain(client))) == await all_of(second.read(plain(coll)))
    assert b"Client" not in pickle.dumps(second)
    for wrong in ("[]", "{}", '{"partition": 2}', '{"partition": 1, "a": 1}'):
        with pytest.raises(ValueError, match="no partition"):
            Partition.from_json(wrong)
    with pytest.raises(ValueError, match="is not the collection"):
        first.read(plain(coll.database["elsewhere"]))


async def test_what_is_refused(coll):
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError, match="partitions"):
            await scan_of(coll, partitions=wrong)
    with pytest.raises(ValueError, match="at least 1"):
        await scan_of(coll, partitions=0)
    if is_asynchronous(coll):
        with pytest.raises(TypeError, match="scan_async"):
            scan(coll)
    else:
        with pytest.raises(TypeError, match=r"MongoClient, which is for scan$"):
            await scan_async(plain(coll))


async def test_a_connection_string(coll, server):
    await fill(coll, 300)
    found = await scan_of(coll, partitions=2)
    (first, second) = found.partitions
    assert ids(first.read(server.uri)) + ids(second.read(server.uri)) == list(range(300))
    assert shared_client(server.uri) is shared_client(server.uri)


async def test_columns(coll, server):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    await fill(coll, 300)
    (part,) = (await scan_of(coll, partitions=1, batch_size=70)).partitions
    rows = pyarrow.table(part.read_arrow(server.uri)).to_pylist()
    assert rows == [{"_id": n, "n": n % 10} for n in range(300)]
    schema = pyarrow.schema({"n": pyarrow.float64()})
    assert pyarrow.table(part.read_arrow(server.uri, schema=schema)).column_names == ["n"]


# -- what happens meanwhile --


async def kill_cursors(coll):
    """End every cursor of a collection; how many there were."""
    pipeline = [
        {"$currentOp": {"idleCursors": True}},
        {"$match": {"type": "idleCursor", "ns": coll.full_name}},
    ]
    cursors = await (await coll.database.client.admin.aggregate(pipeline)).to_list()
    found = [cursor["cursor"]["cursorId"] for cursor in cursors]
    if found:
        await coll.database.command("killCursors", coll.name, cursors=found)
    return len(found)


async def read_while(found, happens):
    """The documents of a scan; something happens after every hundredth."""
    seen = []

    async def note(document):
        seen.append(document)
        if len(seen) % 100 == 0:
            await happens()

    if hasattr(found, "__aiter__"):
        async for document in found:
            await note(document)
    else:
        for document in found:
            await note(document)
    return seen


@pytest.mark.parametrize("prefetch", [0, 1, 3])
async def test_cursors_that_are_killed(coll, prefetch):
    await coll.insert_many([{"_id": id, "n": n} for n, id in enumerate(IDS)])
    killed = []

    async def happens():
        killed.append(await kill_cursors(coll))

    found = await scan_of(coll, partitions=3, batch_size=20, prefetch=prefetch)
    seen = await read_while(found, happens)
    assert sum(killed) > 2
    assert sorted(document["n"] for document in seen) == list(range(len(IDS)))


@pytest.mark.parametrize("projection", [None, {"_id": 0}])
async def test_going_on_behind_an_id_that_is_null(coll, projection):
    """There may be one before it, which must not come again."""
    await coll.insert_many([{"_id": id, "n": n} for n, id in enumerate([MinKey(), None, 1, 2, 3])])
    found = await scan_of(coll, None, projection, batch_size=2, prefetch=0)
    seen = []

    async def note(document):
        seen.append(document["n"])
        assert len(seen) <= 5
        if len(seen) == 2:
            assert await kill_cursors(coll) == 1

    if is_asynchronous(coll):
        async for document in found:
            await note(document)
    else:
        for document in found:
            await note(document)
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("bound", ["lower", "upper"])
async def test_a_bound_that_is_null(coll, bound):
    await coll.insert_many([{"_id": id} for id in (MinKey(), None, 1)])
    part = Partition(coll.database.name, coll.name, **{bound: '{"_id": null}'})
    expected = [MinKey()] if bound == "upper" else [None, 1]
    assert ids(await all_of(part.read(plain(coll)))) == expected


async def test_the_document_it_stands_at_may_vanish(coll):
    await fill(coll, 300)

    found = await scan_of(coll, partitions=1, batch_size=10, prefetch=0)
    gone = []

    async def remove():
        await kill_cursors(coll)
        number = 100 * len(gone) + 99  # the last one that has come
        gone.append(number)
        await coll.delete_one({"_id": number})

    seen = await read_while(found, remove)
    assert ids(seen) == list(range(300))


async def test_a_view_is_not_gone_on_with(coll, db):
    await fill(coll, 300)
    await db.create_collection("seen", viewOn=coll.name)

    async def happens():
        await kill_cursors(coll)
        await kill_cursors(db["seen"])

    found = await scan_of(db["seen"], batch_size=20, prefetch=0)
    with pytest.raises(CursorNotFound):
        await read_while(found, happens)


@pytest.mark.thorough
async def test_a_server_that_is_killed_and_comes_back(flavour):
    with LocalServer(replica_set=True) as server:
        client = flavour.make(server.uri, serverSelectionTimeoutMS=20_000)
        try:
            coll = client.test.get_collection("things")
            await fill(coll, 1000)
            begun = []

            async def happens():
                if len(begun) < 3:
                    server.kill(0)
                    begun.append(threading.Thread(target=server.restart, args=(0,)))
                    begun[-1].start()

            found = await scan_of(coll, partitions=3, batch_size=20)
            seen = await read_while(found, happens)
            for thread in begun:
                thread.join()
            assert len(begun) == 3
            assert sorted(ids(seen)) == list(range(1000))
        finally:
            await client.close()


async def test_a_server_that_stays_away(flavour):
    with LocalServer() as server:
        client = flavour.make(server.uri, serverSelectionTimeoutMS=200)
        try:
            coll = client.test.get_collection("things")
            await fill(coll, 400)
            found = await scan_of(coll, partitions=2, batch_size=20, retry_seconds=0)

            async def happens():
                server.kill(0)

            with pytest.raises(AutoReconnect):
                await read_while(found, happens)
        finally:
            await client.close()


async def test_a_consumer_that_stops_early(coll, client):
    await fill(coll, 1000)
    (server,) = client._core.topology.servers
    found = await scan_of(coll, partitions=4, batch_size=20)
    if is_asynchronous(coll):
        documents = aiter(found)
        await anext(documents)
        await documents.aclose()
    else:
        documents = iter(found)
        next(documents)
        documents.close()
    assert server.pool.operation_count == 0
    assert await kill_cursors(coll) == 0
