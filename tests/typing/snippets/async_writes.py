from typing import TypedDict

from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection


class Row(TypedDict):
    a: int


async def write(c: AsyncCollection[Row]) -> None:
    reveal_type(await c.insert_one({"a": 1}))
    reveal_type((await c.insert_many([{"a": 1}])).inserted_ids)
    reveal_type(await c.update_many({}, {"$set": {"a": 1}}))
    reveal_type(await c.bulk_write([InsertOne(Row(a=1)), UpdateOne({}, {"$set": {"a": 1}})]))
    reveal_type(await c.find_one_and_update({}, {"$inc": {"a": 1}}))
    await c.insert_one({"b": 1})
    await c.bulk_write([1])
    print(c.insert_one({"a": 1}).inserted_id)
    reveal_type(await c.create_index("a"))
    reveal_type(await (await c.list_indexes()).to_list())
