"""Motor: operations, cursors, a change stream, files, a transaction."""

import asyncio
import sys

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
from pymongo import InsertOne, UpdateOne


async def main():
    client = AsyncIOMotorClient(sys.argv[1])
    await client.drop_database("use_motor")
    db = client.use_motor
    async with db.things.watch() as stream:
        await db.things.insert_one({"_id": 0})
        change = await stream.next()
    assert change["operationType"] == "insert"
    await db.things.insert_many([{"_id": number} for number in range(1, 10)])
    result = await db.things.bulk_write([InsertOne({"_id": 10}), UpdateOne({}, {"$set": {"a": 1}})])
    assert (result.inserted_count, result.modified_count) == (1, 1)
    cursor = db.things.find({"_id": {"$gt": 2}}).sort("_id", -1).batch_size(2)
    assert [document["_id"] async for document in cursor] == [*range(10, 2, -1)]
    assert len(await db.things.find().to_list(4)) == 4
    cursor = db.things.find().limit(3)
    seen = 0
    while await cursor.fetch_next:
        seen += bool(cursor.next_object())
    assert seen == 3
    pipeline = [{"$group": {"_id": None, "n": {"$sum": 1}}}]
    assert [row async for row in db.things.aggregate(pipeline)] == [{"_id": None, "n": 11}]
    assert (await db.command("ping"))["ok"] == 1
    assert await db.list_collection_names() == ["things"]

    bucket = AsyncIOMotorGridFSBucket(db)
    file_id = await bucket.upload_from_stream("f", b"y" * 300_000, metadata={"k": 1})
    stream = await bucket.open_download_stream(file_id)
    assert (len(await stream.read()), stream.metadata) == (300_000, {"k": 1})

    async with await client.start_session() as session:
        async with session.start_transaction():
            await db.things.insert_one({"_id": 11}, session=session)
            await session.abort_transaction()
        assert await db.things.count_documents({}, session=session) == 11
    client.close()


asyncio.run(main())
print("ok")
