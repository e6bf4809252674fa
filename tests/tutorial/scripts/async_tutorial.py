"""The asynchronous tutorial: the same steps with AsyncMongoClient."""

import asyncio
import pprint
import sys

import pymongo
from pymongo import AsyncMongoClient


async def main():
    client = AsyncMongoClient(sys.argv[1])
    await client.drop_database("test_async_database")
    db = client.test_async_database
    collection = db["test_collection"]
    print(type(client).__name__, type(db).__name__, type(collection).__name__)

    result = await collection.insert_one({"_id": 100, "key": "value"})
    print("result", repr(result.inserted_id))
    result = await collection.insert_many([{"i": i} for i in range(200)])
    print("inserted", len(result.inserted_ids))
    pprint.pprint(await collection.find_one({"i": {"$lt": 1}}, {"_id": 0}))
    async for document in collection.find({"i": {"$lt": 5}}, {"_id": 0}).sort("i", -1).skip(1):
        pprint.pprint(document)
    print(await collection.find({"i": {"$lt": 3}}, {"_id": 0}).sort("i").to_list(length=100))
    print(
        await collection.count_documents({}), await collection.count_documents({"i": {"$gt": 100}})
    )

    before = await collection.find_one({"_id": 100})
    result = await collection.replace_one({"_id": before["_id"]}, {"key": "value"})
    print("replaced", result.matched_count, result.modified_count)
    result = await collection.update_one({"i": 51}, {"$set": {"key": "value"}})
    print("updated", result.modified_count, result.upserted_id, result.acknowledged)
    result = await collection.update_many({"i": {"$gte": 100}}, {"$set": {"key": "value"}})
    print("updated", result.modified_count)
    result = await collection.delete_one({"i": 199})
    print("deleted", result.deleted_count)
    result = await collection.delete_many({"i": {"$gte": 100}})
    print("deleted", result.deleted_count)
    print(await db.command("ping", comment="x") is not None)
    print(await collection.create_index([("i", pymongo.DESCENDING)]))
    print(sorted(await collection.index_information()))
    async with client.start_session() as session, await session.start_transaction():
        await collection.insert_one({"_id": 101}, session=session)
    print(await collection.find_one(101))
    await client.drop_database(db)
    await client.close()


asyncio.run(main())
