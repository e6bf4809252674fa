from typing import Any, TypedDict

from pymongo.asynchronous.collection import AsyncCollection


class Row(TypedDict):
    a: int


async def read(c: AsyncCollection[Row], d: AsyncCollection[dict[str, Any]]) -> list[Row]:
    async for row in c.find({"a": 1}).sort("a").limit(3):
        reveal_type(row)
    cursor = await c.aggregate([{"$match": {}}])
    async for result in cursor:
        reveal_type(result)
    reveal_type([row["a"] async for row in c.find()])
    reveal_type(await c.find().to_list())
    reveal_type(await d.find().explain())
    reveal_type(c.find().collection)
    async with d.find() as found:
        reveal_type(await found.next())
    for wrong in c.find():
        print(wrong)
    async for wrong in c.aggregate([]):
        print(wrong)
    return await c.find().to_list(10)
