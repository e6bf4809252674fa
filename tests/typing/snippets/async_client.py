from typing import Any

from pymongo import AsyncMongoClient


async def main() -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient("mongodb://localhost")
    reveal_type(client["a"])
    reveal_type(client.a.b)
    reveal_type(await client.a.b.find_one())
    reveal_type(await client.server_info())
    reveal_type(await client.list_database_names())
    reveal_type(await client.address)
    reveal_type(client.get_database("a"))
    reveal_type(await client.a.command("ping"))
    client.a.b.insert_one({})
    found = client.a.b.find_one()
    print(found["a"])
    await client.close()
    async with AsyncMongoClient[dict[str, Any]]() as other:
        reveal_type(other)
