"""What objects show of themselves, as in a debugger: how far they are, and no secrets.

Reprs that PyMongo has are compared with its own elsewhere; these it leaves to `object`.
"""

from __future__ import annotations

import pytest

import mongodriver.gridfs as gridfs
from mongodriver.partitions import scan

pytestmark = pytest.mark.server

SECRET = "s3cr3t"


@pytest.fixture
def shown(flavour):
    """A repr as it is of synchronous objects."""
    return lambda value: repr(value).replace("<Async", "<") if not flavour.is_sync else repr(value)


async def filled(db):
    await db.letters.insert_many([{"n": n} for n in range(25)])
    return db.letters


async def test_cursors(db, shown):
    letters = await filled(db)
    name = letters.full_name
    cursor = letters.find({"n": {"$gte": 0}, "why": {"$ne": SECRET}}, batch_size=10)
    assert shown(cursor) == f"<Cursor of {name}: nothing asked for yet>"
    await cursor.next()
    start = f"<Cursor of {name}: 10 documents received, 9 not read yet, more at "
    host, port = cursor.address
    assert shown(cursor) == f"{start}{host}:{port}>"
    assert len(await cursor.to_list()) == 24
    assert shown(cursor) == f"<Cursor of {name}: 25 documents received, 0 not read yet>"
    other = letters.find()
    await other.close()
    assert shown(other) == f"<Cursor of {name}: closed>"


async def test_cursors_of_batches_and_commands(db, shown):
    letters = await filled(db)
    name = letters.full_name
    async with letters.find_raw_batches(batch_size=10) as cursor:
        await cursor.next()
        assert "10 documents received, 0 batches not read yet, more at" in shown(cursor)
    async with await letters.aggregate([{"$match": {"why": {"$ne": SECRET}}}]) as cursor:
        said = shown(cursor)
    assert said == f"<CommandCursor of {name}: 25 documents received, 25 not read yet>"
    async with await db.list_collections() as cursor:
        assert "1 documents received" in shown(cursor)


async def test_change_streams(client, db, shown):
    letters = await filled(db)
    for target, kind, name in (
        (letters, "Collection", letters.full_name),
        (db, "Database", f"database {db.name}"),
        (client, "Cluster", "all databases"),
    ):
        async with await target.watch([{"$match": {"why": SECRET}}]) as stream:
            assert shown(stream) == f"<{kind}ChangeStream of {name}: open>"
        assert shown(stream) == f"<{kind}ChangeStream of {name}: closed>"


async def test_sessions(client, db, shown):
    letters = await filled(db)
    async with client.start_session() as session:
        assert shown(session) == "<ClientSession: no transaction is in progress>"
        async with await session.start_transaction():
            await letters.insert_one({}, session=session)
            assert shown(session) == "<ClientSession: a transaction is in progress>"
    assert shown(session) == "<ClientSession: ended>"
    async with client.start_session(snapshot=True) as session:
        assert shown(session).startswith("<ClientSession: snapshot, ")


async def test_files(flavour, db, shown):
    prefix = "" if flavour.is_sync else "Async"
    bucket = flavour.wrap(getattr(gridfs, f"{prefix}GridFSBucket"), db, "photos")
    assert repr(bucket) == f"{prefix}GridFSBucket({db!r}, 'photos')"
    file = bucket.open_upload_stream("cat", metadata={"why": SECRET})
    assert shown(file) == "<GridIn 'cat': 0 bytes written, open>"
    await file.write(b"meow")
    await file.close()
    assert shown(file) == "<GridIn 'cat': 4 bytes written, closed>"
    stored = await bucket.open_download_stream(file._id)
    await stored.read(3)
    assert shown(stored) == "<GridOut 'cat': 4 bytes, at 3>"
    later = flavour.wrap(getattr(gridfs, f"{prefix}GridOut"), db.photos, file._id)
    assert shown(later) == f"<GridOut of _id {file._id!r}: not opened yet>"


def test_scans(server):
    from mongodriver import MongoClient

    with MongoClient(server.uri) as client:
        assert repr(scan(client.nothing.here)) == "<Scan of nothing.here in 1 part>"


async def test_none_shows_what_was_asked_for(client, db):
    """Filters, pipelines and documents of the application's may hold what is nobody's business."""
    letters = await filled(db)
    cursor = letters.find({"why": {"$ne": SECRET}}, comment=SECRET, let={"a": SECRET})
    await cursor.next()
    stream = await letters.watch([{"$match": {"why": SECRET}}], comment=SECRET)
    command = await letters.aggregate([{"$match": {"why": {"$ne": SECRET}}}], comment=SECRET)
    texts = [repr(value) for value in (client, db, letters, cursor, stream, command)]
    assert [text for text in texts if SECRET in text] == []
    for one in (cursor, stream, command):
        await one.close()
