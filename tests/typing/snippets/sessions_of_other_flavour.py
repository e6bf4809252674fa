from typing import Any

from pymongo import AsyncMongoClient, MongoClient


async def mix(client: MongoClient[dict[str, Any]], other: AsyncMongoClient[dict[str, Any]]) -> None:
    client.db.c.insert_one({}, session=other.start_session())
    await other.db.c.insert_one({}, session=client.start_session())
    client.db.c.insert_one({}, session=client.start_session())
    await other.db.c.insert_one({}, session=other.start_session())
