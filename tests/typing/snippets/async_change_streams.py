from typing import Any

from pymongo import AsyncMongoClient


async def watch(client: AsyncMongoClient[dict[str, Any]]) -> None:
    async with await client.db.c.watch() as stream:
        async for change in stream:
            reveal_type(change)
        reveal_type(await stream.try_next())
    async with client.db.watch() as wrong:
        print(wrong)
