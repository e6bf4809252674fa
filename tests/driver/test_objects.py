"""Clients, databases, collections and sessions as objects."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType

import pytest
from flavour import plain

from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.dbref import DBRef
from bsonx.son import SON
from mongodriver.errors import (
    CollectionInvalid,
    ConfigurationError,
    InvalidName,
    InvalidOperation,
    OperationFailure,
)
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

pytestmark = pytest.mark.server


async def test_children_are_made_by_attribute_and_by_item(client, flavour):
    prefix = "" if flavour.is_sync else "Async"
    database = client.books
    assert type(plain(database)).__name__ == f"{prefix}Database"
    assert database == client["books"] == client.get_database("books")
    collection = database.novels
    assert type(plain(collection)).__name__ == f"{prefix}Collection"
    assert collection == database["novels"] == database.get_collection("novels")
    assert collection.long.russian.full_name == "books.novels.long.russian"
    assert (collection.name, collection.database, database.client) == (
        "novels",
        database,
        client,
    )


async def test_names_with_an_underscore_are_items_only(client, flavour):
    kind = "MongoClient" if flavour.is_sync else "AsyncMongoClient"
    with pytest.raises(AttributeError, match=rf"{kind} has no attribute '_x'.*client\['_x'\]"):
        _ = plain(client)._x
    with pytest.raises(AttributeError, match=r"database\['_x'\]"):
        _ = plain(client.books)._x
    with pytest.raises(AttributeError, match=r"database\['t\._x'\]"):
        _ = plain(client.books.t)._x
    assert client["_x"]["_y"].full_name == "_x._y"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a$b", "a/b", "a\\b", "a\0b", 'a"b'])
async def test_bad_database_names(client, name):
    with pytest.raises(InvalidName):
        client[name]


@pytest.mark.parametrize("name", ["", "a..b", ".a", "a.", "a$b", "a\0b"])
async def test_bad_collection_names(db, name):
    with pytest.raises(InvalidName):
        db[name]


@pytest.mark.parametrize("name", [1, None, b"a"])
async def test_names_must_be_text(client, name):
    with pytest.raises(TypeError, match="name must be an instance of str"):
        client[name]
    with pytest.raises(TypeError, match="name must be an instance of str"):
        client.books[name]


async def test_equality_and_hashes(client, make_client, server):
    same, other = make_client(), make_client("mongodb://127.0.0.1:1", connect=False)
    assert client == same
    assert client != other
    assert hash(client) == hash(same)
    assert client.a.b == same.a.b
    assert client.a.b != client.a.c
    assert client.a != other.a
    assert hash(client.a.b) == hash(same.a.b)
    assert client.a.b == client.a.b.with_options(write_concern=WriteConcern(0))
    assert client != 1
    assert client.a != "a"


async def test_truth(client):
    assert bool(plain(client)) is True
    for value in (client.a, client.a.b):
        with pytest.raises(NotImplementedError, match="compare with None instead"):
            bool(plain(value))


async def test_they_are_not_iterable(client):
    for value in (client, client.a, client.a.b):
        with pytest.raises(TypeError, match="is not iterable"):
            iter(plain(value))
        with pytest.raises(TypeError, match="is not iterable"):
            next(plain(value))
        with pytest.raises(TypeError):
            len(plain(value))


async def test_calling_a_collection_explains_itself(client):
    with pytest.raises(TypeError, match=r"the 'nope' method on an? '(Async)?Database' object"):
        plain(client.a).nope()
    with pytest.raises(TypeError, match=r"the 'nope' method on a '(Async)?Collection' object"):
        plain(client.a.b).nope()


async def test_reprs(make_client, flavour):
    prefix = "" if flavour.is_sync else "Async"
    client = make_client(
        "mongodb://user:secret@127.0.0.1:1,127.0.0.1:2/db?w=1&maxStalenessSeconds=120"
        "&readPreference=secondary",
        connect=False,
        serverSelectionTimeoutMS=5,
    )
    shown = (
        f"{prefix}MongoClient(host=['127.0.0.1:1', '127.0.0.1:2'], document_class=dict, "
        "tz_aware=False, connect=False, w=1, maxstalenessseconds=120000, "
        "readpreference='secondary', serverselectiontimeoutms=5)"
    )
    assert repr(client) == shown
    assert repr(client.x) == f"{prefix}Database({shown}, 'x')"
    assert repr(client.x.y) == f"{prefix}Collection({prefix}Database({shown}, 'x'), 'y')"


async def test_options_are_inherited_and_overridden(client):
    options = CodecOptions(SON)
    database = client.get_database(
        "x", options, ReadPreference.NEAREST, WriteConcern(2), ReadConcern("majority")
    )
    collection = database.y
    for value in (database, collection, collection.z, collection.with_options()):
        assert value.codec_options == options
        assert value.read_preference == ReadPreference.NEAREST
        assert value.write_concern == WriteConcern(2)
        assert value.read_concern == ReadConcern("majority")
    changed = collection.with_options(write_concern=WriteConcern(1))
    assert changed.write_concern == WriteConcern(1)
    assert changed.read_concern == ReadConcern("majority")
    again = database.with_options(codec_options=CodecOptions(tz_aware=True))
    assert again.codec_options.tz_aware
    assert again.write_concern == WriteConcern(2)


async def test_default_databases(make_client):
    named = make_client("mongodb://127.0.0.1:1/books", connect=False)
    assert named.get_default_database().name == "books"
    assert named.get_database().name == "books"
    unnamed = make_client("mongodb://127.0.0.1:1", connect=False)
    assert unnamed.get_default_database("other").name == "other"
    with pytest.raises(ConfigurationError, match="No default database name defined"):
        unnamed.get_default_database()
    with pytest.raises(ConfigurationError, match="No default database defined"):
        unnamed.get_database()


async def test_pickling_is_refused(client):
    for value in (client, client.a, client.a.b):
        with pytest.raises((TypeError, pickle.PicklingError)):  # PyPy's: the second
            pickle.dumps(plain(value))


# -- clients --


async def test_what_is_known_of_the_deployment(make_client, server):
    client = make_client(server.uri, connect=False)
    assert client.nodes == frozenset()
    assert await client.primary is None
    assert await client.secondaries == set()
    address = await client.address
    assert client.nodes == {address}
    assert await client.primary == address
    assert await client.arbiters == set()
    assert await client.is_primary is True
    assert await client.is_mongos is False
    assert client.topology_description.topology_type_name == "ReplicaSetWithPrimary"


async def test_server_info_and_databases(client, db):
    await db.t.insert_one({})
    assert (await client.server_info())["version"].startswith("6.")
    assert db.name in await client.list_database_names()
    cursor = await client.list_databases(filter={"name": db.name})
    assert [found["name"] for found in await cursor.to_list()] == [db.name]
    await client.drop_database(db)
    assert db.name not in await client.list_database_names()
    with pytest.raises(TypeError, match="name_or_database must be"):
        await client.drop_database(1)


async def test_a_closed_client_refuses_work(make_client):
    client = make_client()
    async with client:
        await client.admin.command("ping")
    await client.close()
    name = type(plain(client)).__name__
    with pytest.raises(InvalidOperation, match=f"Cannot use {name} after close"):
        await client.admin.command("ping")
    cursor = client.a.b.find()
    with pytest.raises(InvalidOperation, match=f"Cannot use {name} after close"):
        await cursor.next()


# -- sessions --


async def test_sessions_are_causally_consistent(client, db, commands):
    async with client.start_session() as session:
        assert session.options.causal_consistency is True
        assert session.operation_time is None
        await db.t.insert_one({"_id": 1}, session=session)
        assert session.operation_time is not None
        assert session.cluster_time is not None
        time = session.operation_time
        assert await db.t.find_one({}, session=session) == {"_id": 1}
        find = commands.sent[-1]
        assert find["readConcern"] == {"afterClusterTime": time}
        lsids = {bytes(event.command["lsid"]["id"]) for event in commands.started_events}
        assert lsids == {bytes(session.session_id["id"])}
    assert session.has_ended


async def test_ended_and_foreign_sessions_are_refused(client, make_client, db):
    session = client.start_session()
    await session.end_session()
    await session.end_session()
    with pytest.raises(InvalidOperation, match="Cannot use ended session"):
        await db.t.find_one({}, session=session)
    with pytest.raises(InvalidOperation, match="Cannot use ended session"):
        _ = session.session_id
    other = make_client().start_session()
    for use in (db.t.find_one, db.t.insert_one, db.command):
        with pytest.raises(InvalidOperation, match="MongoClient that started it"):
            await use({"ping": 1}, session=other)
    await other.end_session()


async def test_sessions_advance(client):
    async with client.start_session() as one, client.start_session() as other:
        await client.admin.command("ping", session=one)
        other.advance_cluster_time(one.cluster_time)
        other.advance_operation_time(one.operation_time)
        assert other.cluster_time == one.cluster_time
        assert other.operation_time == one.operation_time
        for wrong in (1, {}, {"clusterTime": 1}):
            with pytest.raises(TypeError):
                other.advance_cluster_time(wrong)
        with pytest.raises(TypeError):
            other.advance_operation_time(1)
        with pytest.raises(TypeError, match="cannot be copied"):
            copy.copy(plain(one))


async def test_snapshot_sessions(client, db, commands):
    await db.t.insert_one({"_id": 1})
    with pytest.raises(ConfigurationError):
        client.start_session(causal_consistency=True, snapshot=True)
    async with client.start_session(snapshot=True) as session:
        assert await db.t.count_documents({}, session=session) == 1
        await db.t.insert_one({"_id": 2})
        assert await db.t.count_documents({}, session=session) == 1
        concerns = [c["readConcern"] for c in commands.sent if "aggregate" in c]
        assert concerns[0]["level"] == "snapshot"
        assert "atClusterTime" in concerns[1]


async def test_explicit_sessions_want_acknowledged_writes(client, db):
    silent = db.t.with_options(write_concern=WriteConcern(0))
    async with client.start_session() as session:
        with pytest.raises(ConfigurationError, match="Explicit sessions are incompatible"):
            await silent.insert_one({}, session=session)


# -- databases --


async def test_collections_are_created_listed_and_dropped(db):
    created = await db.create_collection("a", capped=True, size=4096)
    assert created == db.a
    assert await db.a.options() == {"capped": True, "size": 4096}
    await db.create_collection("b")
    assert sorted(await db.list_collection_names()) == ["a", "b"]
    assert await db.list_collection_names(filter={"options.capped": True}) == ["a"]
    cursor = await db.list_collections(filter={"name": "a"})
    assert [found["name"] for found in await cursor.to_list()] == ["a"]
    with pytest.raises(CollectionInvalid, match="collection a already exists"):
        await db.create_collection("a")
    assert (await db.drop_collection("a"))["ok"] == 1
    await db.b.drop()
    assert await db.list_collection_names() == []
    assert await db.b.drop() is None
    assert (await db.drop_collection("b"))["ok"] == 0


async def test_renaming(db):
    await db.a.insert_one({"_id": 1})
    await db.a.rename("b")
    assert await db.b.count_documents({}) == 1
    await db.c.insert_one({})
    with pytest.raises(OperationFailure):
        await db.b.rename("c")
    await db.b.rename("c", dropTarget=True)
    assert await db.c.find().to_list() == [{"_id": 1}]


async def test_commands(db, commands):
    assert (await db.command("ping"))["ok"] == 1
    assert (await db.command({"count": "t", "query": {}}, comment="c"))["n"] == 0
    assert commands.sent[-1]["comment"] == "c"
    reply = await db.command("ping", codec_options=CodecOptions(SON))
    assert type(reply) is SON
    with pytest.raises(OperationFailure) as caught:
        await db.command("nonsense")
    assert caught.value.code == 59
    assert (await db.command("nonsense", check=False))["codeName"] == "CommandNotFound"
    assert (await db.command("nonsense", allowable_errors=[59]))["ok"] == 0
    for wrong in (1, [("ping", 1)]):
        with pytest.raises(TypeError, match="must be a str or a mapping"):
            await db.command(wrong)
    with pytest.raises(ValueError, match="must not be empty"):
        await db.command({})


async def test_a_command_gets_what_is_given_beside_it(db):
    """And nothing else, such as a session that another use would send again."""
    for command in ({"ping": 1}, SON(ping=1)):
        await db.command(command)
        assert command == {"ping": 1}
        await db.command(command, comment="c")
        assert command == {"ping": 1, "comment": "c"}
    frozen = MappingProxyType({"ping": 1})
    assert (await db.command(frozen, comment="c"))["ok"] == 1


async def test_cursor_commands(db):
    await db.t.insert_many([{"_id": n} for n in range(5)])
    cursor = await db.cursor_command("find", "t", batchSize=2, filter={})
    assert [d["_id"] for d in await cursor.to_list()] == list(range(5))
    with pytest.raises(InvalidOperation, match="does not return a cursor"):
        await db.cursor_command("ping")


async def test_cursor_commands_read_every_batch_alike(db):
    """PyMongo reads later batches with the database's options, whatever was asked for."""

    class Upper(TypeDecoder):
        bson_type = str

        def transform_bson(self, value):
            return value.upper()

    decoders = CodecOptions(type_registry=TypeRegistry([Upper()]))
    await db.t.insert_many([{"_id": n, "a": "x", "d": {}} for n in range(4)])
    son = CodecOptions(document_class=SON, type_registry=decoders.type_registry)
    for database, options, kind in (
        (db, son, SON),
        (db.with_options(son), None, dict),
        (db.with_options(son), CodecOptions(), dict),
        (db, decoders, dict),
    ):
        cursor = await database.cursor_command("find", "t", batchSize=1, codec_options=options)
        found = await cursor.to_list()
        assert [(type(d), d["a"], type(d["d"])) for d in found] == [(kind, "x", kind)] * 4


async def test_dereferencing(db):
    await db.t.insert_one({"_id": 1, "x": 2})
    assert await db.dereference(DBRef("t", 1)) == {"_id": 1, "x": 2}
    assert await db.dereference(DBRef("t", 1, db.name), projection={"x": 1}) is not None
    assert await db.dereference(DBRef("t", 5)) is None
    with pytest.raises(ValueError, match="another database"):
        await db.dereference(DBRef("t", 1, "other"))
    with pytest.raises(TypeError):
        await db.dereference("t")


async def test_validation(db):
    await db.t.insert_one({})
    assert (await db.validate_collection(db.t))["valid"] is True
    with pytest.raises(OperationFailure):
        await db.validate_collection("missing")


# -- indexes --


async def test_indexes(coll):
    assert await coll.create_index([("a", 1), ("b", -1)], unique=True) == "a_1_b_-1"
    models = [plain(m) for m in (await _models())]
    assert await coll.create_indexes(models) == ["c_1", "by d"]
    information = await coll.index_information()
    assert information["a_1_b_-1"] == {"v": 2, "key": [("a", 1), ("b", -1)], "unique": True}
    assert set(information) == {"_id_", "a_1_b_-1", "c_1", "by d"}
    found = await (await coll.list_indexes()).to_list()
    assert {type(index) for index in found} == {SON}
    await coll.drop_index([("a", 1), ("b", -1)])
    await coll.drop_index("c_1")
    with pytest.raises(OperationFailure):
        await coll.drop_index("c_1")
    await coll.drop_indexes()
    assert set(await coll.index_information()) == {"_id_"}


async def _models():
    from mongodriver.operations import IndexModel

    return [IndexModel("c"), IndexModel({"d": 1}, name="by d", sparse=True)]
