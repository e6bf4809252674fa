"""umongo: documents of PyMongo's and of Motor's."""

import asyncio
import sys

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient
from umongo import Document, ValidationError, fields, validate
from umongo.frameworks import MotorAsyncIOInstance, PyMongoInstance


class User(Document):
    email = fields.EmailField(required=True, unique=True)
    age = fields.IntField(validate=validate.Range(min=0))
    friends = fields.ListField(fields.ReferenceField("User"))


client = MongoClient(sys.argv[1])
client.drop_database("use_umongo")
Own = PyMongoInstance(client.use_umongo).register(User)
Own.ensure_indexes()
ada = Own(email="ada@example.org", age=3)
ada.commit()
for wrong in ({"email": "ada@example.org"}, {"email": "no"}):
    try:
        Own(**wrong).commit()
    except ValidationError:
        continue
    raise AssertionError(wrong)
bob = Own(email="bob@example.org", friends=[ada])
bob.commit()
assert Own.find_one({"email": "bob@example.org"}).friends[0].fetch().age == 3
ada.age = 4
ada.commit()
assert [user.age for user in Own.find({"age": {"$gte": 4}})] == [4]
assert Own.find().sort("age", -1).limit(1)[0].email == "ada@example.org"
bob.delete()
client.close()


async def main():
    motor = AsyncIOMotorClient(sys.argv[1])
    Other = MotorAsyncIOInstance(motor.use_umongo).register(User)
    await Other(email="eve@example.org", age=5).commit()
    assert [user.age async for user in Other.find().sort("age")] == [4, 5]
    assert (await Other.find_one({"age": 5})).email == "eve@example.org"
    assert await Other.count_documents() == 2
    motor.close()


asyncio.run(main())
print("ok")
