"""Files, in both flavours."""

import datetime
from collections.abc import Mapping
from typing import Any, assert_type

from bsonx import ObjectId
from mongodriver.asynchronous.client_session import AsyncClientSession
from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.database import Database
from mongodriver.gridfs import (
    AsyncGridFSBucket,
    AsyncGridOut,
    GridFS,
    GridFSBucket,
    GridIn,
    GridOut,
    GridOutCursor,
)


def files(db: Database[dict[str, Any]], other: AsyncClientSession) -> None:
    bucket = GridFSBucket(db)
    with bucket.open_upload_stream("a", metadata={}) as upload:
        assert_type(upload, GridIn)
        assert_type(upload.filename, str | None)
    assert_type(bucket.upload_from_stream("a", b""), ObjectId)
    found = bucket.open_download_stream(5)
    assert_type(found, GridOut)
    assert_type(found.read(), bytes)
    assert_type(found.upload_date, datetime.datetime)
    assert_type(found.metadata, Mapping[str, Any] | None)
    assert_type(bucket.find({}), GridOutCursor)
    assert_type([file.length for file in bucket.find({})], list[int])
    assert_type(GridFS(db).find_one(), GridOut | None)
    bucket.open_download_stream(5, session=other)  # error
    GridFSBucket(db, chunk_size_bytes="5")  # error


async def asynchronous(db: AsyncDatabase[dict[str, Any]]) -> None:
    bucket = AsyncGridFSBucket(db)
    found = await bucket.open_download_stream(5)
    assert_type(found, AsyncGridOut)
    assert_type(await found.read(), bytes)
    assert_type([file async for file in bucket.find({})], list[AsyncGridOut])
    GridFSBucket(db)  # error
