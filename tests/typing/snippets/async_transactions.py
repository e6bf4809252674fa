from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession


async def move(client: AsyncMongoClient[dict[str, Any]]) -> str:
    async def callback(session: AsyncClientSession) -> int:
        await client.db.c.insert_one({}, session=session)
        return 1

    async with client.start_session() as session:
        reveal_type(session)
        reveal_type(await session.with_transaction(callback))
        async with await session.start_transaction():
            await client.db.c.delete_one({}, session=session)
        await session.with_transaction(lambda s: 1)
        return await session.with_transaction(callback)
