"""GridFS beyond what the specification's tests and the comparison with PyMongo hold."""

from __future__ import annotations

import io
import random
import shutil
import uuid
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import mongodriver.gridfs as gridfs
from bsonx.binary import Binary, UuidRepresentation
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver import timeout
from mongodriver.errors import InvalidOperation, OperationFailure, WTimeoutError
from mongodriver.gridfs.core import chunk_writer, download
from mongodriver.gridfs.errors import CorruptGridFile, FileExists, NoFile
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

pytestmark = pytest.mark.server


@pytest.fixture
def make(flavour, db):
    """Makes objects of GridFS in the flavour, by the names of the synchronous classes."""
    prefix = "" if flavour.is_sync else "Async"

    def make(name, *args, **kwargs):
        return flavour.wrap(getattr(gridfs, prefix + name), *args, **kwargs)

    return make


@pytest.fixture
def bucket(make, db):
    """A bucket with chunks of four bytes."""
    return make("GridFSBucket", db, chunk_size_bytes=4)


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of three chunks of four bytes."""
    monkeypatch.setattr(chunk_writer, "BATCH_BYTES", 12)


class Source:
    """Gives what it has piece by piece, whatever it is asked for, and then raises or ends."""

    def __init__(self, *pieces, error=None):
        self.pieces = list(pieces)
        self.error = error
        self.asked = []

    def read(self, size):
        self.asked.append(size)
        if self.pieces:
            return self.pieces.pop(0)
        if self.error is not None:
            raise self.error
        return b""


class AsyncSource(Source):
    async def read(self, size):
        return Source.read(self, size)


class Sink:
    def __init__(self):
        self.got = []

    def write(self, data):
        self.got.append(data)


class AsyncSink(Sink):
    async def write(self, data):
        self.got.append(data)


async def stored(db, file_id):
    """The data of a file's chunks."""
    chunks = await db.fs.chunks.find({"files_id": file_id}).sort("n").to_list()
    assert [chunk["n"] for chunk in chunks] == list(range(len(chunks)))
    return [chunk["data"] for chunk in chunks]


# -- uploading --


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 8, 9, 25])
@pytest.mark.parametrize("step", [1, 3, 4, 5, 100])
async def test_pieces_of_any_size_become_chunks(bucket, db, length, step, small_batches):
    data = bytes(range(length))
    file = bucket.open_upload_stream("f")
    for begin in range(0, length, step):
        await file.write(data[begin : begin + step])
    await file.close()
    assert await stored(db, file._id) == [data[i : i + 4] for i in range(0, length, 4)]
    assert file.length == length
    assert await (await bucket.open_download_stream(file._id)).read() == data


async def test_the_end_of_a_source_is_where_it_gives_nothing(bucket, db):
    source = Source(b"a", b"bcd", b"efghijklm", bytearray(b"n"), memoryview(b"op"))
    file_id = await bucket.upload_from_stream("f", source)
    assert await stored(db, file_id) == [b"abcd", b"efgh", b"ijkl", b"mnop"]
    # Never more than is missing of a chunk.
    assert source.asked == [4, 3, 4, 3, 2, 4]


@pytest.mark.parametrize("wrong", ["text", 5, [1], None, "", 0])
async def test_a_source_has_to_give_bytes(bucket, db, wrong):
    with pytest.raises(TypeError, match="a bytes-like object is required, not"):
        await bucket.upload_from_stream("f", Source(wrong))
    assert await db.fs.files.count_documents({}) == 0


async def test_sources_and_sinks_may_be_coroutines(bucket, flavour):
    if flavour.is_sync:
        pytest.skip("only coroutines can await them")
    file_id = await bucket.upload_from_stream("f", AsyncSource(b"abcde", b"f"))
    sink = AsyncSink()
    await bucket.download_to_stream(file_id, sink)
    assert sink.got == [b"abcd", b"ef"]


async def test_a_stored_file_is_a_source(bucket, db):
    first = await bucket.upload_from_stream("f", b"0123456789")
    second = await bucket.upload_from_stream("g", await bucket.open_download_stream(first))
    assert await stored(db, second) == [b"0123", b"4567", b"89"]


async def test_chunks_are_sent_many_at_a_time(bucket, db, commands, small_batches):
    await bucket.upload_from_stream("f", b"")
    commands.clear()
    await bucket.upload_from_stream("f", bytes(40))
    inserts = [c for c in commands.sent if c.get("insert") == "fs.chunks"]
    assert [len(c["documents"]) for c in inserts] == [3, 3, 3, 1]


async def test_a_large_chunk_is_a_batch_of_its_own(make, db, commands, small_batches):
    bucket = make("GridFSBucket", db, chunk_size_bytes=100)
    file_id = await bucket.upload_from_stream("f", bytes(250))
    inserts = [c for c in commands.sent if c.get("insert") == "fs.chunks"]
    assert [len(c["documents"]) for c in inserts] == [1, 1, 1]
    assert [len(data) for data in await stored(db, file_id)] == [100, 100, 50]


async def test_small_chunks_are_sent_before_there_are_too_many(bucket, commands, monkeypatch):
    monkeypatch.setattr(chunk_writer, "BATCH_CHUNKS", 2)
    await bucket.upload_from_stream("f", bytes(20))
    inserts = [c for c in commands.sent if c.get("insert") == "fs.chunks"]
    assert [len(c["documents"]) for c in inserts] == [2, 2, 1]


async def test_no_more_than_a_batch_is_kept(bucket, flavour, small_batches):
    file = bucket.open_upload_stream("f")
    writer = (file._object if flavour.is_sync else file)._writer
    for _ in range(100):
        await file.write(b"abc")
        assert writer._batch_bytes <= 12
        assert writer._rest.tell() < 4
    await file.abort()


async def test_numbers_of_a_file_have_their_types(bucket, db):
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    raw = db.fs.files.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    document = (await raw.find_one({"_id": file_id})).raw
    assert b"\x12length\x00\n\x00\x00\x00\x00\x00\x00\x00" in document  # int64
    assert b"\x10chunkSize\x00\x04\x00\x00\x00" in document  # int32


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (2.5, TypeError), ("4", TypeError)]
)
async def test_a_chunk_size_that_cannot_be_is_refused(bucket, size, error):
    with pytest.raises(error, match=r"^chunk_size must be"):
        await bucket.upload_from_stream("f", b"abc", chunk_size_bytes=size)


@pytest.mark.parametrize("way", ["upload_from_stream", "put", "a block"])
async def test_a_source_that_fails_leaves_nothing(make, bucket, db, small_batches, commands, way):
    files = make("GridFS", db)
    await files.put(b"")
    await bucket.upload_from_stream("f", b"")
    source = Source(bytes(30), error=RuntimeError("the source"))
    commands.clear()
    with pytest.raises(RuntimeError, match="the source"):
        if way == "upload_from_stream":
            await bucket.upload_from_stream("g", source)
        elif way == "put":
            await files.put(source, chunk_size=4)
        else:
            async with bucket.open_upload_stream("g") as file:
                await file.write(source)
    assert commands.work == ["insert", "insert", "delete"]
    assert await db.fs.chunks.count_documents({}) == 0
    assert await db.fs.files.count_documents({}) == 2


async def test_a_block_that_fails_before_anything_is_sent_sends_nothing(bucket, commands):
    with pytest.raises(RuntimeError):
        async with bucket.open_upload_stream("g") as file:
            await file.write(b"abc")
            raise RuntimeError
    assert file.closed
    assert commands.work == []
    with pytest.raises(ValueError, match="cannot write to a closed file"):
        await file.write(b"")


async def test_what_failed_first_is_what_is_raised(bucket, db, small_batches, client):
    """Deleting the chunks may fail too."""
    await bucket.upload_from_stream("f", b"")
    fail = {"failCommands": ["delete"], "errorCode": 8000}
    await client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fail)
    try:
        with pytest.raises(RuntimeError, match="the source"):
            await bucket.upload_from_stream(
                "g", Source(bytes(30), error=RuntimeError("the source"))
            )
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")


async def test_a_failure_of_the_server_is_reported_at_once(bucket, small_batches, client, commands):
    """Nothing is deleted then: GridFS specification, File Upload."""
    await bucket.upload_from_stream("f", b"")
    file = bucket.open_upload_stream("g")
    await file.write(bytes(20))
    fail = {"failCommands": ["insert"], "errorCode": 8000}
    await client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fail)
    commands.clear()
    try:
        with pytest.raises(OperationFailure):
            async with file:
                await file.write(bytes(20))
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert "delete" not in commands.work
    assert file.closed


async def test_nothing_written_is_lost_where_a_command_fails(bucket, db, small_batches, client):
    """The same file can be closed again."""
    await bucket.upload_from_stream("f", b"")
    file = bucket.open_upload_stream("g")
    fail = {"failCommands": ["insert"], "errorCode": 8000}
    await file.write(b"01234567")
    await client.admin.command("configureFailPoint", "failCommand", mode={"times": 2}, data=fail)
    try:
        with pytest.raises(OperationFailure):
            await file.write(b"89ab")
        with pytest.raises(OperationFailure):
            await file.close()
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")
    await file.write(b"cdef")
    await file.close()
    assert await stored(db, file._id) == [b"0123", b"4567", b"89ab", b"cdef"]


async def test_a_file_that_exists_is_not_touched(bucket, db, small_batches):
    await bucket.upload_from_stream_with_id(1, "f", b"0123456789")
    with pytest.raises(FileExists, match=r"^file with _id 1 already exists$"):
        await bucket.upload_from_stream_with_id(1, "g", bytes(40))
    with pytest.raises(FileExists):
        async with bucket.open_upload_stream_with_id(1, "g") as file:
            await file.write(bytes(40))
    file = bucket.open_upload_stream_with_id(1, "g")
    with pytest.raises(FileExists):
        await file.write(bytes(40))
    await file.abort()
    assert file.closed
    assert await (await bucket.open_download_stream(1)).read() == b"0123456789"


@pytest.mark.parametrize("data", [b"", b"abcdefghij"])
@pytest.mark.parametrize("end", ["abort", "close", "block"])
async def test_nothing_of_a_file_with_the_same_id_is_deleted(bucket, db, data, end, small_batches):
    await bucket.upload_from_stream_with_id(1, "f", data)
    file = bucket.open_upload_stream_with_id(1, "g")
    await file.write(b"0123456789")
    if end == "close":
        with pytest.raises(FileExists):
            await file.close()
        assert not file.closed
    elif end == "block":
        with pytest.raises(RuntimeError):
            async with file:
                raise RuntimeError
    if end != "block":
        await file.abort()
    assert file.closed
    assert (await db.fs.files.find_one({"_id": 1}))["filename"] == "f"
    assert await (await bucket.open_download_stream(1)).read() == data
    assert await stored(db, 1) == [data[i : i + 4] for i in range(0, len(data), 4)]


async def test_an_aborted_file_with_an_id_is_deleted(bucket, db, small_batches):
    for written in (5, 50):
        file = bucket.open_upload_stream_with_id(1, "f")
        await file.write(bytes(written))
        if written == 5:
            await file.close()
        await file.abort()
        assert await db.fs.files.count_documents({}) == 0
        assert await db.fs.chunks.count_documents({}) == 0


async def test_a_write_concern_that_is_not_met(make, db):
    bucket = make("GridFSBucket", db, write_concern=WriteConcern(50, wtimeout=1))
    await make("GridFSBucket", db).upload_from_stream("f", b"")
    with pytest.raises((WTimeoutError, OperationFailure)) as caught:
        await bucket.upload_from_stream("f", b"abc")
    assert caught.value.code in (64, 100)


# -- indexes --


async def test_a_bucket_looks_for_indexes_once(make, db, commands):
    for name, args in (("GridFSBucket", {}), ("GridFS", {})):
        await db.fs.files.drop()
        await db.fs.chunks.drop()
        files = make(name, db, **args)
        commands.clear()
        for n in range(3):
            if name == "GridFS":
                await files.put(b"abc", filename="f")
            else:
                await files.upload_from_stream("f", b"abc")
            first = ["find", "listIndexes", "createIndexes"] * 2 if not n else []
            assert commands.work == [*first, "insert", "insert"]
            commands.clear()
    indexes = await db.fs.chunks.index_information()
    assert indexes["files_id_1_n_1"]["unique"]
    assert (await db.fs.files.index_information())["filename_1_uploadDate_1"]


async def test_indexes_of_other_drivers_are_recognised(bucket, db, commands):
    """GridFS specification, Before write operations: numbers compare by value."""
    for collection, key in (
        ("fs.files", {"filename": 1.0, "uploadDate": 1.0}),
        ("fs.chunks", {"files_id": Int64(1), "n": 1.0}),
    ):
        await db.command("createIndexes", collection, indexes=[{"name": "own", "key": key}])
    commands.clear()
    await bucket.upload_from_stream("f", b"abc")
    assert "createIndexes" not in commands.work


async def test_a_failure_to_create_indexes_is_raised(bucket, client, commands):
    fail = {"failCommands": ["createIndexes"], "errorCode": 8000}
    await client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fail)
    try:
        with pytest.raises(OperationFailure):
            await bucket.upload_from_stream("f", b"abc")
    finally:
        await client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert "insert" not in commands.work
    await bucket.upload_from_stream("f", b"abc")  # and next time it is tried again
    assert commands.work.count("createIndexes") == 3


async def test_a_bucket_that_has_files_gets_no_indexes(bucket, db, commands):
    await db.fs.files.insert_one({})
    await db.fs.chunks.insert_one({})
    commands.clear()
    await bucket.upload_from_stream("f", b"abc")
    assert commands.work == ["find", "find", "insert", "insert"]


# -- downloading --


async def test_a_stored_file_reads_like_any_other(bucket):
    """At random, against io.BytesIO."""
    chooser = random.Random(7)
    data = bytes(chooser.choice(b"abc\n") for _ in range(101))
    stream = await bucket.open_download_stream(await bucket.upload_from_stream("f", data))
    same = io.BytesIO(data)
    for _ in range(400):
        what = chooser.choice(["read"] * 9 + ["readline"] * 6 + ["seek"] * 4 + ["lines", "all"])
        if what == "read":
            size = chooser.choice((0, 1, 3, 4, 5, 9, 50, -1))
            assert await stream.read(size) == same.read(size)
        elif what == "readline":
            size = chooser.choice((-1, -1, 0, 1, 6, 30))
            assert await stream.readline(size) == same.readline(size)
        elif what == "seek":
            whence = chooser.randrange(3)
            offset = chooser.randrange(-110, 110)
            if [0, same.tell(), len(data)][whence] + offset < 0:
                with pytest.raises(OSError, match="Invalid value for `pos`"):
                    await stream.seek(offset, whence)
            else:
                assert await stream.seek(offset, whence) == same.seek(offset, whence)
        elif what == "lines":
            assert await stream.readlines() == same.readlines()
        else:
            assert [line async for line in stream] == list(same)
        assert stream.tell() == same.tell()


async def test_a_lost_cursor_is_replaced(bucket, db, flavour):
    data = bytes(range(200)) * 4
    stream = await bucket.open_download_stream(await bucket.upload_from_stream("f", data))
    assert await stream.read(10) == data[:10]
    cursor = (stream._object if flavour.is_sync else stream)._reader._cursor
    await db.command("killCursors", "fs.chunks", cursors=[cursor.cursor_id])
    assert await stream.read() == data[10:]


async def test_seeking_and_closing_close_the_cursor(bucket, commands):
    stream = await bucket.open_download_stream(await bucket.upload_from_stream("f", bytes(800)))
    for end in (lambda: stream.seek(5), stream.close):
        await stream.read(1)
        commands.clear()
        await end()
        assert commands.names == ["killCursors"]
    assert stream.closed


async def test_an_empty_file_asks_for_no_chunks(bucket, commands):
    file_id = await bucket.upload_from_stream("f", b"")
    commands.clear()
    stream = await bucket.open_download_stream(file_id)
    assert await stream.read() == await stream.readline() == await stream.readchunk() == b""
    assert commands.work == ["find"]


@pytest.mark.parametrize("kept", [1, 4, 11, 12, 1000])
async def test_pieces_of_long_files_are_put_together_in_their_order(bucket, monkeypatch, kept):
    monkeypatch.setattr(download, "JOINED", kept)
    content = bytes(range(50))
    id = await bucket.upload_from_stream("f", content)
    for start, size in ((0, -1), (0, 50), (3, 30), (8, 21), (1, 500), (49, -1)):
        file = await bucket.open_download_stream(id)
        await file.seek(start)
        assert await file.read(size) == content[start:][: size if size >= 0 else None]
        assert file.tell() == (min(start + size, 50) if size >= 0 else 50)
        assert await file.read() == content[start:][size if size >= 0 else 50 :]


async def test_only_the_chunks_that_are_asked_for_are_read(bucket, commands):
    stream = await bucket.open_download_stream(await bucket.upload_from_stream("f", bytes(40)))
    await stream.seek(21)
    commands.clear()
    await stream.read(3)
    assert commands.sent[0]["filter"]["n"] == {"$gte": 5}


_DAMAGES = [
    ({"n": 0}, None, "Missing chunk: expected chunk #0 but found chunk with n=1"),
    ({"n": 1}, None, "Missing chunk: expected chunk #1 but found chunk with n=2"),
    ({"n": 2}, None, "no chunk #2"),
    ({}, None, "no chunk #0"),
    ({"n": 1}, {"data": b"x"}, r"truncated chunk #1: expected chunk length to be 4 .* length 1"),
    ({"n": 1}, {"data": bytes(5)}, r"truncated chunk #1: expected .* to be 4 .* length 5"),
    ({"n": 2}, {"data": b""}, r"truncated chunk #2: expected chunk length to be 2 .* length 0"),
    ({"n": 2}, {"n": 5}, "Missing chunk: expected chunk #2 but found chunk with n=5"),
    ({"n": 0}, {"n": "a"}, "Missing chunk: expected chunk #0 but found chunk with n=1"),
    ({"n": 1}, {"data": "text"}, "invalid chunk #1: its data is no binary, but <class 'str'>"),
    ({"n": 1}, {"data": 5}, "invalid chunk #1: its data is no binary, but <class 'int'>"),
]


@pytest.mark.parametrize(("chunk", "change", "message"), _DAMAGES)
async def test_damage_is_named(bucket, db, chunk, change, message):
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    which = {"files_id": file_id, **chunk}
    if change is None:
        await db.fs.chunks.delete_many(which)
    else:
        await db.fs.chunks.update_one(which, {"$set": change})
    for read in ("read", "readlines"):
        stream = await bucket.open_download_stream(file_id)
        with pytest.raises(CorruptGridFile, match=message):
            await getattr(stream, read)()
        with pytest.raises(CorruptGridFile, match=message):
            await stream.read()
    with pytest.raises(CorruptGridFile, match=message):
        await bucket.download_to_stream(file_id, io.BytesIO())


@pytest.mark.parametrize("extra", [{"n": 3, "data": b"x"}, {"n": 3, "data": b""}])
async def test_a_chunk_too_many_is_named(bucket, db, extra):
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    await db.fs.chunks.insert_one({"files_id": file_id, **extra})
    stream = await bucket.open_download_stream(file_id)
    with pytest.raises(CorruptGridFile, match=r"^(Extra|truncated) chunk .*3"):
        await stream.read()
    with pytest.raises(CorruptGridFile, match=r"^(Extra|truncated) chunk .*3"):
        await bucket.download_to_stream(file_id, io.BytesIO())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunkSize": 0}, "^invalid chunkSize: 0$"),
        ({"chunkSize": -4}, "^invalid chunkSize: -4$"),
        ({"chunkSize": None}, "^invalid chunkSize: None$"),
        ({"chunkSize": "x"}, "^invalid chunkSize: 'x'$"),
        ({"chunkSize": 5}, "^truncated chunk #0"),
        ({"length": "x"}, "^invalid length: 'x'$"),
        ({"length": 11}, "^truncated chunk #2"),
        ({"length": 13}, "^truncated chunk #2"),
        ({"length": 8}, "^Extra chunk found: expected 2 chunks"),
    ],
)
async def test_a_damaged_document_of_a_file_is_named(bucket, db, change, message):
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    await db.fs.files.update_one({"_id": file_id}, {"$set": change})
    with pytest.raises(CorruptGridFile, match=message):
        await (await bucket.open_download_stream(file_id)).read()


async def test_numbers_may_be_of_any_type(bucket, db):
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    numbers = {"chunkSize": 4.0, "length": 10.0}
    await db.fs.files.update_one({"_id": file_id}, {"$set": numbers})
    await db.fs.chunks.update_many({"files_id": file_id}, {"$mul": {"n": 1.0}})
    stream = await bucket.open_download_stream(file_id)
    assert [await stream.seek(5), await stream.read(4)] == [5, b"5678"]
    await stream.seek(0)
    assert await stream.read() == b"0123456789"


async def test_data_may_be_binary_of_any_subtype(bucket, db):
    file_id = await bucket.upload_from_stream("f", b"0123")
    data = {"data": Binary(b"wxyz", 5)}
    await db.fs.chunks.update_one({"files_id": file_id}, {"$set": data})
    read = await (await bucket.open_download_stream(file_id)).read()
    assert bytes(read) == b"wxyz"


def test_standard_modules_read_and_write_files(flavour, db, server):
    """What expects files of Python takes these."""
    if not flavour.is_sync:
        pytest.skip("they know no coroutines")
    bucket = gridfs.GridFSBucket(db._object, chunk_size_bytes=5)
    with bucket.open_upload_stream("f") as file:
        shutil.copyfileobj(io.BytesIO("grün\nund blau\n".encode()), file)
    with bucket.open_download_stream(file._id) as stored_file:
        assert isinstance(stored_file, io.IOBase)
        assert list(io.TextIOWrapper(stored_file, "utf-8")) == ["grün\n", "und blau\n"]
    copy = io.BytesIO()
    shutil.copyfileobj(bucket.open_download_stream(file._id), copy, 3)
    assert copy.getvalue().decode() == "grün\nund blau\n"
    assert stored_file.closed


# -- ids, classes, sessions, options --


@pytest.mark.parametrize(
    "file_id",
    [
        *(5, 2.5, "name", b"bytes", None, True, ObjectId("5" * 24)),
        {"a": [1]},
        uuid.UUID(int=7),
    ],
    ids=repr,
)
async def test_ids_of_any_type(make, db, file_id):
    standard = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
    bucket = make("GridFSBucket", db.with_options(codec_options=standard), chunk_size_bytes=2)
    await bucket.upload_from_stream_with_id("another", "f", b"another")
    await bucket.upload_from_stream_with_id(file_id, "f", b"data")
    assert await (await bucket.open_download_stream(file_id)).read() == b"data"
    await bucket.rename(file_id, "g")
    assert (await bucket.open_download_stream("another")).filename == "f"
    await bucket.delete(file_id)
    with pytest.raises(NoFile):
        await bucket.open_download_stream(file_id)
    assert await (await bucket.open_download_stream("another")).read() == b"another"


@pytest.mark.parametrize("file_id", [{"$gt": ""}, {"$in": ["another"]}, {"$ne": None}], ids=repr)
async def test_an_id_that_looks_like_a_condition_is_none(bucket, make, db, file_id):
    """GridFS specification, TFileId Queries."""
    await bucket.upload_from_stream_with_id("another", "f", b"another")
    files = make("GridFS", db)
    for lost in (
        bucket.open_download_stream(file_id),
        bucket.rename(file_id, "g"),
        bucket.delete(file_id),
        files.get(file_id),
    ):
        with pytest.raises(NoFile):
            await lost
    await files.delete(file_id)
    assert await (await bucket.open_download_stream("another")).read() == b"another"


@dataclass
class Movie:
    title: str


class _Shouting(TypeDecoder):
    bson_type = str

    def transform_bson(self, value):
        return value.upper()


@pytest.mark.parametrize(
    "options",
    [
        CodecOptions(document_class=RawBSONDocument),
        CodecOptions(document_class=Movie),
        CodecOptions(type_registry=TypeRegistry([_Shouting()])),
        CodecOptions(tz_aware=True),
    ],
)
async def test_options_of_the_codec_do_no_harm(make, db, options):
    bucket = make("GridFSBucket", db.with_options(codec_options=options), chunk_size_bytes=4)
    file_id = await bucket.upload_from_stream("f", b"0123456789", metadata={"a": "b"})
    stream = await bucket.open_download_stream(file_id)
    assert (stream.filename, stream.metadata["a"], stream.length) == ("f", "b", 10)
    assert await stream.read() == b"0123456789"
    assert [file.filename async for file in bucket.find()] == ["f"]
    await bucket.delete_by_name("f")


async def test_all_commands_use_the_session(bucket, make, db, client, commands):
    session = client.start_session()
    files = make("GridFS", db)
    file_id = await bucket.upload_from_stream("f", bytes(30), session=session)
    stream = await bucket.open_download_stream(file_id, session=session)
    await stream.read()
    assert [await file.read(1) async for file in bucket.find(session=session)]
    await bucket.rename(file_id, "g", session=session)
    await bucket.rename_by_name("g", "h", session=session)
    await bucket.download_to_stream_by_name("h", Sink(), session=session)
    await bucket.delete_by_name("h", session=session)
    file_id = await files.put(b"abc", session=session)
    assert await files.exists(file_id, session=session)
    assert await files.list(session=session) == []
    await (await files.get_last_version(session=session)).read()
    await (await files.find_one(session=session)).read()
    await files.delete(file_id, session=session)
    used = [event.command["lsid"] for event in commands.started_events]
    assert all(lsid == session.session_id for lsid in used)
    await session.end_session()


async def test_transactions_are_refused(bucket, make, db, client):
    message = "^GridFS does not support multi-document transactions$"
    begun = None
    async with client.start_session() as session:
        begun = bucket.open_upload_stream("f", session=session)
        await begun.write(b"ab")
        lazy = make("GridOut", db.fs, 5, session=session)
        async with await session.start_transaction():
            for call in (
                lambda: bucket.open_upload_stream("f", session=session),
                lambda: bucket.find(session=session),
                lambda: make("GridIn", db.fs, session=session),
                lambda: make("GridOut", db.fs, 5, session=session),
            ):
                with pytest.raises(InvalidOperation, match=message):
                    call()
            for coroutine in (
                bucket.upload_from_stream("f", b"", session=session),
                bucket.open_download_stream(5, session=session),
                bucket.open_download_stream_by_name("f", session=session),
                bucket.download_to_stream(5, Sink(), session=session),
                bucket.delete(5, session=session),
                bucket.delete_by_name("f", session=session),
                bucket.rename(5, "f", session=session),
                bucket.rename_by_name("f", "f", session=session),
                begun.write(b"cde"),
                begun.close(),
                lazy.read(),
            ):
                with pytest.raises(InvalidOperation, match=message):
                    await coroutine
            async with session.bind(end_session=False):
                with pytest.raises(InvalidOperation, match=message):
                    bucket.find()
                with pytest.raises(InvalidOperation, match=message):
                    await bucket.delete(5)


async def test_options_of_a_bucket_are_used_throughout(make, db, commands):
    concern = WriteConcern("majority", wtimeout=60_000)  # or a majority read may not see it
    options = {"write_concern": concern, "read_preference": ReadPreference.PRIMARY_PREFERRED}
    of_database = db.with_options(read_concern=ReadConcern("majority"))
    bucket = make("GridFSBucket", of_database, "b", 4, **options)
    file_id = await bucket.upload_from_stream("f", b"0123456789")
    await (await bucket.open_download_stream(file_id)).read()
    await bucket.rename(file_id, "g")
    await bucket.delete(file_id)
    writes = [c for c in commands.sent if {"insert", "update", "delete"} & set(c)]
    assert len(writes) == 5
    assert all(c["writeConcern"] == {"w": "majority", "wtimeout": 60_000} for c in writes)
    reads = [c for c in commands.sent if "find" in c][-2:]
    assert all(c["readConcern"] == {"level": "majority"} for c in reads)
    assert all(c["$readPreference"] == {"mode": "primaryPreferred"} for c in reads)
    looks = [c for c in commands.sent if "find" in c][:2]
    assert not any("$readPreference" in c for c in looks)  # whether it is empty the primary knows


async def test_one_deadline_for_all_that_a_method_sends(make_client, flavour, db, make):
    client = make_client(timeoutMS=60_000)
    bucket = make("GridFSBucket", client[db.name], chunk_size_bytes=4)
    file_id = await bucket.upload_from_stream("f", Source(b"abcd", b"efgh"))
    sink = SimpleNamespace(deadlines=[])
    inner = bucket._object if flavour.is_sync else bucket

    def write(data):
        sink.deadlines.append(_deadline(inner))

    sink.write = write
    await bucket.download_to_stream(file_id, sink)
    assert len(sink.deadlines) == 2
    assert len(set(map(id, sink.deadlines))) == 1
    assert sink.deadlines[0] is not None
    with timeout(0):
        await bucket.delete(file_id)


def _deadline(bucket):
    from mongodriver.execution.timeouts import current_deadline

    return current_deadline(bucket._timeout)


# -- attributes --


async def test_attributes_become_fields(bucket, db, flavour):
    file = bucket.open_upload_stream("f")
    file.colour = "red"
    file.name = "g"
    assert (file.colour, file.filename) == ("red", "g")
    await file.close()
    document = await db.fs.files.find_one(file._id)
    assert (document["colour"], document["filename"]) == ("red", "g")
    await file.set("colour", "blue")
    if flavour.is_sync:
        file.filename = "h"
    else:
        with pytest.raises(InvalidOperation, match="does not support __setattr__ after"):
            file.filename = "h"
        with pytest.raises(AttributeError, match="does not support __setattr__ after"):
            file.colour = "h"
    document = await db.fs.files.find_one(file._id)
    assert document["colour"] == "blue"
    assert document["filename"] == ("h" if flavour.is_sync else "g")
    stream = await bucket.open_download_stream(file._id)
    assert (stream.colour, stream.uploadDate) == ("blue", stream.upload_date)


async def test_a_file_that_is_not_opened_is_opened_by_reading(make, bucket, db, flavour):
    file_id = await bucket.upload_from_stream("f", b"abc")
    stream = make("GridOut", db.fs, file_id)
    if not flavour.is_sync:
        message = "^You must call GridOut.open\\(\\) before accessing the length property$"
        with pytest.raises(InvalidOperation, match=message):
            _ = stream.length
    assert await stream.read() == b"abc"
    assert stream.length == 3


async def test_a_file_that_is_not_read_is_not_opened(make, db, commands):
    async with make("GridOut", db.fs, 5) as stream:
        assert not stream.closed
        assert stream.tell() == 0
    assert stream.closed
    assert commands.work == []
    with pytest.raises(NoFile):
        await stream.read(0)


async def test_a_file_that_is_dropped_sends_nothing(bucket, commands):
    file_id = await bucket.upload_from_stream("f", b"abc")
    commands.clear()
    stream = await bucket.open_download_stream(file_id)
    await stream.read(1)
    del stream
    bucket.open_upload_stream("g")
    assert commands.work == ["find", "find"]
