"""Results of queries as Arrow data, in both flavours; consumers are our own reader and, where they
are installed, pyarrow, polars, pandas and DuckDB.
"""

from __future__ import annotations

import contextlib
import datetime
import sys

import pytest
from flavour import plain

import bsonx
from bsonx.arrow import from_bson, to_bson
from implementations import CPYTHON
from mongodriver.arrow import ArrowError, aggregate_arrow, find_arrow
from mongodriver.errors import (
    ConfigurationError,
    InvalidOperation,
    OperationFailure,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not CPYTHON, reason="the pure twin calls CPython's functions"),
]

COUNT = 25
WHEN = datetime.datetime(2020, 2, 29, 1, 2, 3, 4000)


def document(n):
    return {"_id": n, "s": f"s{n}", "f": n / 2, "d": {"x": [n]}, "t": WHEN, "k": bsonx.ObjectId()}


@pytest.fixture
def documents(coll, flavour):
    """Documents that are in the collection."""
    made = [document(n) for n in range(COUNT)]

    async def fill():
        await coll.insert_many(made)

    flavour.run(fill())
    return made


async def collected(stream):
    """What a stream of either flavour holds, as a table or a stream to be read once."""
    return await stream.collect() if hasattr(stream, "collect") else stream


def read(table):
    return [d for rows in to_bson(table) for d in bsonx.decode_all(rows.documents)]


async def found(coll, *args, **options):
    return read(await collected(find_arrow(plain(coll), *args, **options)))


async def aggregated(coll, *args, **options):
    return read(await collected(aggregate_arrow(plain(coll), *args, **options)))


@pytest.mark.parametrize("batch_size", [1, 4, 25, 26])
async def test_the_documents(coll, documents, batch_size):
    assert await found(coll, batch_size=batch_size) == documents
    stages = [{"$sort": {"_id": 1}}]
    assert await aggregated(coll, stages, batch_size=batch_size) == documents


async def test_options_of_the_query(coll, documents):
    assert await found(coll, {"_id": {"$lt": 3}}, sort={"_id": -1}) == documents[2::-1]
    assert await found(coll, limit=3, skip=1, batch_size=2) == documents[1:4]
    assert await found(coll, projection=["s"], limit=1) == [{"_id": 0, "s": "s0"}]
    stages = [{"$match": {"$expr": {"$eq": ["$_id", "$$n"]}}}]
    assert await aggregated(coll, stages, let={"n": 5}) == [documents[5]]
    assert await found(coll, batch_size=4, prefetch=2) == documents
    assert await aggregated(coll, [{"$sort": {"_id": 1}}], batch_size=4, prefetch=2) == documents


async def test_the_repr_says_how_far_it_is(coll, documents):
    stream = find_arrow(plain(coll), batch_size=20)
    if not hasattr(stream, "__aiter__"):
        assert repr(stream) == "<ArrowStream: not read yet>"
        return
    assert repr(stream) == "<AsyncArrowStream: not read yet>"
    await anext(stream)
    assert repr(stream) == "<AsyncArrowStream: being read>"
    await stream.collect()
    assert repr(stream) == "<AsyncArrowStream: closed>"


async def test_nothing_is_found(coll):
    assert await found(coll) == []
    assert await found(coll, schema={"a": int}) == []
    assert await aggregated(coll, []) == []


async def test_a_schema(coll, documents, commands):
    schema = {"s": str, "d": {"x": ["int32"]}}
    expected = [{"s": d["s"], "d": d["d"]} for d in documents]
    assert await found(coll, schema=schema) == expected
    assert commands.sent[0]["projection"] == {"s": 1, "d": 1, "_id": 0}
    assert await found(coll, schema={**schema, "_id": "int64"}) == [
        {**e, "_id": d["_id"]} for e, d in zip(expected, documents, strict=True)
    ]
    assert commands.sent[-1]["projection"] == {"s": 1, "d": 1, "_id": 1}
    assert await aggregated(coll, [{"$sort": {"_id": 1}}], schema=schema) == expected
    commands.clear()
    assert await found(coll, schema={"a.b": int}, limit=1) == [{"a.b": None}]
    with pytest.raises(ArrowError, match="column '_id', row 0: the schema has no such field"):
        await found(coll, schema=schema, on_unknown="error")
    assert ["projection" in command for command in commands.sent] == [False, False]
    of_capsules = from_bson(b"", schema)
    assert await found(coll, schema=of_capsules) == expected


async def test_batches_one_by_one(coll, documents, commands):
    stream = find_arrow(plain(coll), batch_size=10, prefetch=0)
    assert commands.sent == []
    sizes = []
    if hasattr(stream, "collect"):
        assert (await stream.schema()).names == list(documents[0])
        async for batch in stream:
            sizes.append(len(batch))
            assert read(batch) == documents[10 * len(sizes) - 10 : 10 * len(sizes)]
            assert len(commands.sent) == len(sizes)
    else:
        assert stream.schema.names == list(documents[0])
        for batch in stream:
            sizes.append(len(batch))
            assert read(batch) == documents[10 * len(sizes) - 10 : 10 * len(sizes)]
            assert len(commands.sent) == len(sizes)
    assert sizes == [10, 10, 5]


async def test_closing_ends_the_cursor(coll, documents, commands):
    for stream in (
        find_arrow(plain(coll), batch_size=10),
        aggregate_arrow(plain(coll), [], batch_size=10),
    ):
        commands.clear()
        if hasattr(stream, "collect"):
            async with stream:
                await anext(stream)
            assert [batch async for batch in stream] == []
            await stream.close()
        else:
            with stream:
                next(iter(stream))
            stream.close()
        assert commands.names[-1] == "killCursors"
    unopened = aggregate_arrow(plain(coll), [])
    if hasattr(unopened, "collect"):
        await unopened.close()
        assert [batch async for batch in unopened] == []
    else:
        unopened.close()
        assert list(unopened) == []


async def test_sizes_of_replies(coll, commands):
    """Large documents come in small replies; record batches have what they are to have."""
    await coll.insert_many([{"_id": n, "s": "x" * 100_000} for n in range(12)])
    commands.clear()
    table = await collected(find_arrow(plain(coll), batch_size=8, prefetch=0))
    assert [len(bsonx.decode_all(r.documents)) for r in to_bson(table)] == [12]
    assert [c.get("batchSize") for c in commands.sent] == [8, 2, 2, 2]


async def test_where_nothing_can_be_read_ahead(coll, documents, make_client):
    client = make_client(maxPoolSize=1)
    things = client[coll.database.name]["things"]
    assert await found(things, batch_size=4) == documents
    async with client.start_session() as session:
        assert await found(things, batch_size=4, session=plain(session)) == documents
    stages = [{"$match": {"_id": 1}}, {"$out": "others"}]
    assert await aggregated(coll, stages) == []
    assert await coll.database["others"].count_documents({}) == 1


async def test_what_does_not_fit_ends_the_cursor(coll, documents, commands):
    with pytest.raises(ArrowError, match="column 's', row 0: a string does not fit its type"):
        await found(coll, schema={"s": int}, batch_size=2)
    assert commands.names[-1] == "killCursors"


@contextlib.asynccontextmanager
async def fail_point(client, **data):
    point = {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data}
    await client.admin.command(point)
    try:
        yield
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("query", ["find", "aggregate"])
async def test_a_cursor_that_dies(coll, documents, make_client, query):
    client = make_client()
    things = client[coll.database.name]["things"]
    stages = [{"$sort": {"_id": 1}}]
    if query == "find":
        stream = find_arrow(plain(things), batch_size=10, prefetch=0)
    else:
        stream = aggregate_arrow(plain(things), stages, batch_size=10, prefetch=0)
    if hasattr(stream, "collect"):
        assert len(await anext(stream)) == 10
        async with fail_point(client, failCommands=["getMore"], errorCode=43):
            with pytest.raises(OperationFailure) as caught:
                await anext(stream)
        assert caught.value.code == 43
        return
    from bsonx.arrow import DocumentReader

    with DocumentReader(stream) as reader:
        assert len(reader.read(10)) == 10
        async with fail_point(client, failCommands=["getMore"], errorCode=43):
            with pytest.raises(ArrowError, match="CursorNotFound: Failing command"):
                reader.read()
    assert isinstance(stream.error, OperationFailure)
    assert stream.error.code == 43


async def test_a_query_that_the_server_refuses(coll):
    for stream in (
        find_arrow(plain(coll), {"$nothing": 1}),
        aggregate_arrow(plain(coll), [{"$nothing": 1}]),
    ):
        with pytest.raises(OperationFailure):
            if hasattr(stream, "collect"):
                await stream.collect()
            else:
                list(stream)


async def test_arguments(coll, make_client):
    things = plain(coll)
    with pytest.raises(TypeError, match="collection must be a Collection or an AsyncCollection"):
        find_arrow([])
    with pytest.raises(TypeError, match="collection must be"):
        aggregate_arrow(None, [])
    with pytest.raises(TypeError):
        find_arrow(things, unknown=5)
    with pytest.raises(ValueError, match="on_mismatch must be"):
        find_arrow(things, on_mismatch="x")
    for wrong, error in (("x", TypeError), (0, ValueError)):
        with pytest.raises(error, match="batch_size"):
            find_arrow(things, batch_size=wrong)


def test_encrypting_clients_are_refused(flavour, make_client):
    pytest.importorskip("pymongocrypt", reason="needs pymongocrypt")
    from mongodriver.encryption_options import AutoEncryptionOpts

    options = AutoEncryptionOpts({"local": {"key": bytes(96)}}, "a.b", bypass_auto_encryption=True)
    client = make_client(auto_encryption_opts=options)
    with pytest.raises((ConfigurationError, InvalidOperation)):
        find_arrow(plain(client.a.b))


# -- consumers --


async def test_pyarrow(coll, documents):
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    table = pa.table(await collected(find_arrow(plain(coll), batch_size=10)))
    table.validate(full=True)
    rows = table.to_pylist()
    utc = WHEN.replace(tzinfo=datetime.UTC)
    expected = [{**d, "t": utc, "k": d["k"].binary} for d in documents]
    assert [{**row, "t": row["t"].astimezone(datetime.UTC)} for row in rows] == expected
    schema = pa.schema([("s", pa.large_string()), ("f", pa.float32()), ("_id", pa.int16())])
    table = pa.table(await collected(find_arrow(plain(coll), schema=schema)))
    assert table.schema.equals(schema)
    assert table["_id"].to_pylist() == list(range(COUNT))


async def test_polars(coll, documents):
    pl = pytest.importorskip("polars", reason="needs polars")
    frame = pl.DataFrame(await collected(find_arrow(plain(coll), batch_size=10, objectid="text")))
    assert frame["s"].to_list() == [d["s"] for d in documents]
    assert frame["d"].to_list() == [d["d"] for d in documents]
    assert frame["k"].to_list() == [str(d["k"]) for d in documents]
    schema = pl.Schema({"s": pl.String(), "_id": pl.Int32()})
    frame = pl.DataFrame(await collected(find_arrow(plain(coll), schema=schema)))
    assert frame.schema == schema


async def test_pandas(coll, documents):
    pd = pytest.importorskip("pandas", minversion="3", reason="needs pandas 3")
    frame = pd.DataFrame.from_arrow(await collected(find_arrow(plain(coll), batch_size=10)))
    assert list(frame["s"]) == [d["s"] for d in documents]
    assert list(frame["f"]) == [d["f"] for d in documents]


async def test_duckdb(coll, documents):
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB")
    pytest.importorskip("pyarrow", reason="DuckDB asks pyarrow for schemas")
    with duckdb.connect() as connection:
        things = await collected(find_arrow(plain(coll), batch_size=10))
        connection.register("things", things)
        assert connection.sql("select sum(_id) from things").fetchall() == [(300,)]


async def test_it_needs_no_library(coll, documents, monkeypatch):
    for name in ("pyarrow", "polars", "pandas", "duckdb", "numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    assert await found(coll) == documents
