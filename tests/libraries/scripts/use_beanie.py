"""beanie: documents, links, updates, aggregation, a bulk, a transaction."""

import asyncio
import sys

from beanie import BulkWriter, Document, Indexed, Link, WriteRules, init_beanie
from beanie.operators import In, Inc, Set
from pydantic import BaseModel, Field
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError


class Window(Document):
    x: int = 1


class House(Document):
    name: Indexed(str, unique=True)
    floors: int = 1
    windows: list[Link[Window]] = []


class Count(BaseModel):
    id: int = Field(alias="_id")
    n: int


async def main():
    async with AsyncMongoClient(sys.argv[1]) as client:
        await client.drop_database("use_beanie")
        await init_beanie(database=client.use_beanie, document_models=[House, Window])
        house = House(name="a", windows=[Window(x=1), Window(x=2)])
        await house.insert(link_rule=WriteRules.WRITE)
        await House.insert_many([House(name=name, floors=2) for name in "bcd"])
        try:
            await House(name="a").insert()
        except DuplicateKeyError:
            pass
        else:
            raise AssertionError("not unique")
        found = await House.find_one(House.name == "a", fetch_links=True)
        assert sorted(window.x for window in found.windows) == [1, 2]
        await House.find(In(House.name, ["b", "c"])).update(Inc({House.floors: 1}))
        assert await House.find(House.floors == 3).count() == 2
        names = [house.name async for house in House.find(House.floors > 1).sort("-name").limit(2)]
        assert names == ["d", "c"]
        pipeline = [{"$group": {"_id": "$floors", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
        counted = await House.aggregate(pipeline, projection_model=Count).to_list()
        assert [(one.id, one.n) for one in counted] == [(1, 1), (2, 1), (3, 2)]
        async with BulkWriter() as bulk:
            await House.find_one(House.name == "d").update(Set({House.floors: 9}), bulk_writer=bulk)
            await House.insert_one(House(name="e"), bulk_writer=bulk)
        assert {
            house.name for house in await House.find({"floors": {"$in": [9, 1]}}).to_list()
        } == {*"ade"}
        async with client.start_session() as session, await session.start_transaction():
            await House(name="f").insert(session=session)
            assert await House.find(session=session).count() == 6
            await session.abort_transaction()
        assert await House.count() == 5
        await found.delete()


asyncio.run(main())
print("ok")
